#include "benchmarks/sweep-bench/core/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "benchmarks/sweep-bench/core/random.hpp"

namespace sweep::client {

namespace {

constexpr std::size_t kMinStarts = 65'536;

std::uint32_t length(Random& random, std::int64_t full, double ratio) {
  const auto least = static_cast<std::int64_t>(std::floor(static_cast<double>(full) * ratio));
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, random.between(least, full)));
}

}  // namespace

Plan make_plan(const Options& options) {
  Random random(options.seed);
  Plan plan;
  const auto count = static_cast<std::size_t>(options.num_prompts);
  const auto warmups = static_cast<std::size_t>(options.num_warmups) + 1;

  // Shuffle the start positions; each request takes the next one.
  std::vector<std::uint32_t> starts(std::max(kMinStarts, count + warmups));
  std::iota(starts.begin(), starts.end(), 0u);
  for (std::size_t i = 0; i < count + warmups; ++i) {
    const auto other =
        random.between(static_cast<std::int64_t>(i), static_cast<std::int64_t>(starts.size()) - 1);
    std::swap(starts[i], starts[static_cast<std::size_t>(other)]);
  }
  plan.starts = static_cast<std::uint32_t>(starts.size());

  std::size_t next = 0;
  const auto draw = [&] {
    PlannedRequest request;
    request.input_len = length(random, options.input_len, options.range_ratio);
    plan.longest = std::max(plan.longest, request.input_len);
    request.input_len += static_cast<std::uint32_t>(options.prefix_len);
    request.output_len = length(random, options.output_len, options.range_ratio);
    request.start = starts[next++];
    return request;
  };
  const double scale = 1 / (options.request_rate * options.burstiness);
  double arrival = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0 && std::isfinite(options.request_rate)) arrival += random.gamma(options.burstiness, scale);
    plan.requests.push_back(draw());
    plan.requests.back().arrival = arrival;
  }
  for (std::size_t i = 0; i < warmups; ++i)
    plan.warmups.push_back(draw());
  return plan;
}

}  // namespace sweep::client
