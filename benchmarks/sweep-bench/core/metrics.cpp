#include "benchmarks/sweep-bench/core/metrics.hpp"

#include <algorithm>

namespace sweep::client {

namespace {

constexpr std::array<double, 2> kLagPercentiles = {50, 99};

double seconds(Nanos from, Nanos to) {
  return static_cast<double>(to - from) * 1e-9;
}

struct Latencies {
  std::vector<double> ttft, tpot, itl, e2el, queue, send_lag;
};

bool is_good(const Setup& setup, double ttft, double tpot, double e2el) {
  return std::all_of(setup.objectives.begin(), setup.objectives.end(), [&](const Objective& objective) {
    const double value = objective.metric == "ttft" ? ttft : objective.metric == "tpot" ? tpot : e2el;
    return value <= objective.limit;
  });
}

void add_success(const Setup& setup, const PlannedRequest& planned, const RequestRecord& record,
                 Metrics& metrics, Latencies& all) {
  const std::int64_t output = record.completion_tokens.value_or(record.chunks);
  ++metrics.completed;
  metrics.input_tokens += metrics.input_lens.back();
  metrics.output_tokens += output;
  metrics.output_lens.back() = output;
  metrics.requested_input += planned.input_len;
  metrics.requested_output += planned.output_len;
  if (!record.completion_tokens) ++metrics.without_usage;
  if (output < planned.output_len) ++metrics.short_outputs;
  if (output > planned.output_len) ++metrics.long_outputs;

  const double ttft = ttft_of(record), e2el = seconds(record.sent, record.last);
  double tpot = 0;  // also used for --goodput if there is only one token
  if (output > 1) {
    tpot = (e2el - ttft) / static_cast<double>(output - 1);
    all.tpot.push_back(tpot);
  }
  all.ttft.push_back(ttft);
  all.e2el.push_back(e2el);
  all.itl.insert(all.itl.end(), record.gaps.begin(), record.gaps.end());
  if (!setup.objectives.empty() && is_good(setup, ttft, tpot, e2el)) ++metrics.good;
}

}  // namespace

double ttft_of(const RequestRecord& record) {
  return record.chunks == 0 ? 0 : seconds(record.sent, record.first);
}

Metrics measure(const Setup& setup, const Plan& plan, const std::vector<RequestRecord>& records, Nanos begin,
                Nanos end) {
  Metrics metrics;
  metrics.duration = seconds(begin, end);
  Latencies all;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RequestRecord& record = records[i];
    const PlannedRequest& planned = plan.requests[i];
    metrics.input_lens.push_back(record.prompt_tokens.value_or(planned.input_len));
    metrics.output_lens.push_back(0);
    metrics.simulated = metrics.simulated || record.simulated;
    all.queue.push_back(seconds(record.arrival, record.scheduled));
    all.send_lag.push_back(seconds(record.scheduled, record.sent));
    if (record.failure) {
      ++metrics.failed;
      ++metrics.failures[static_cast<std::size_t>(*record.failure)];
    } else {
      add_success(setup, planned, record, metrics, all);
    }
  }
  std::vector<double> percents;
  for (const auto& [name, percent] : setup.percentiles)
    percents.push_back(percent);
  metrics.latency["ttft"] = bench::statistics(std::move(all.ttft), percents);
  metrics.latency["tpot"] = bench::statistics(std::move(all.tpot), percents);
  metrics.latency["itl"] = bench::statistics(std::move(all.itl), percents);
  metrics.latency["e2el"] = bench::statistics(std::move(all.e2el), percents);
  metrics.queue = bench::statistics(std::move(all.queue), kLagPercentiles);
  metrics.send_lag = bench::statistics(std::move(all.send_lag), kLagPercentiles);
  return metrics;
}

}  // namespace sweep::client
