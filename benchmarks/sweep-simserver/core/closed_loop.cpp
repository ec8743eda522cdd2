#include "benchmarks/sweep-simserver/core/closed_loop.hpp"

#include <algorithm>
#include <cmath>

#include "util/splitmix64.hpp"

namespace sweep::sim_server {

namespace {

// A request, when it was sent, and when it got its first token.
struct Request {
  Sequence sequence;
  Time at{}, first{};
};

// Draws uniformly from [ratio x length, length], both ends included, as InferenceMAX's client does.
std::uint32_t draw(std::uint32_t length, double ratio, std::uint64_t bits) {
  const auto low = std::max(1U, static_cast<std::uint32_t>(std::floor(length * std::clamp(ratio, 0.0, 1.0))));
  const std::uint64_t span = std::max(low, length) - low + 1;
  return low + static_cast<std::uint32_t>(bits % span);
}

std::vector<Request> make_requests(const ClosedLoop& loop) {
  std::vector<Request> out(loop.num_prompts);
  for (std::uint32_t i = 0; i < loop.num_prompts; ++i) {
    out[i].sequence = {.id = i,
                       .prompt_tokens = draw(loop.isl, loop.range_ratio, mixed(loop.seed, 2ULL * i)),
                       .output_tokens = draw(loop.osl, loop.range_ratio, mixed(loop.seed, 2ULL * i + 1))};
  }
  return out;
}

double seconds(Time time) {
  return std::chrono::duration<double>(time).count();
}

Expected<void> check_loop(const ClosedLoop& loop) {
  if (loop.concurrency < 1 || loop.num_prompts < 1 || loop.isl < 1 || loop.osl < 1)
    return fail("concurrency, number of prompts and both lengths must be at least 1");
  return {};
}

}  // namespace

Expected<ClosedLoopResult> simulate_closed_loop(const Deployment& setup, const Limits& limits,
                                                const ClosedLoop& loop) {
  SWEEP_TRY(check_loop(loop));
  SWEEP_ASSIGN(const auto cost, CostModel::make(setup));
  SWEEP_ASSIGN(auto engine, Engine::make(cost, limits));

  std::vector<Request> requests = make_requests(loop);
  std::vector<double> ttft, tpot, e2el;
  std::vector<TokenEvent> events;
  std::size_t next = 0;
  Time now{};
  const auto send = [&]() -> Expected<void> {
    requests[next].at = now;
    return engine.submit(requests[next++].sequence, now);
  };

  while (next < requests.size() && next < loop.concurrency) {
    SWEEP_TRY(send());
  }
  while (const auto due = engine.next_time()) {
    now = std::max(now, *due);
    events.clear();
    engine.advance(now, events);
    for (const TokenEvent& event : events) {
      Request& request = requests[event.id];
      if (event.index == 0) request.first = event.at;
      if (!event.last) continue;
      ttft.push_back(seconds(request.first - request.at));
      e2el.push_back(seconds(event.at - request.at));
      if (event.index > 0) tpot.push_back(seconds(event.at - request.first) / event.index);
      if (next == requests.size()) continue;
      SWEEP_TRY(send());
    }
  }

  ClosedLoopResult out;
  for (const Request& request : requests) {
    out.input_tokens += request.sequence.prompt_tokens;
    out.output_tokens += request.sequence.output_tokens;
  }
  out.duration = seconds(now);
  out.output_throughput = static_cast<double>(out.output_tokens) / out.duration;
  out.total_throughput = static_cast<double>(out.input_tokens + out.output_tokens) / out.duration;
  out.request_throughput = loop.num_prompts / out.duration;
  out.ttft = bench::summarize(std::move(ttft));
  out.tpot = bench::summarize(std::move(tpot));
  out.e2el = bench::summarize(std::move(e2el));
  out.load = engine.load();
  return out;
}

}  // namespace sweep::sim_server
