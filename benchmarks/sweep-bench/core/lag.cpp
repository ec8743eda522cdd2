#include "benchmarks/sweep-bench/core/lag.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>

namespace sweep::client {

namespace {

// Values below 16 have one step each; above that, each power of two has 16 steps.
std::size_t step_of(std::uint64_t value) {
  if (value < 16) return value;
  const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;  // 4 or more
  return (power - 3) * 16 + ((value >> (power - 4)) & 15);
}

double upper_edge(std::size_t step) {
  if (step < 16) return static_cast<double>(step);
  return std::ldexp(static_cast<double>(16 + step % 16 + 1), static_cast<int>(step / 16) - 1);
}

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", seconds * 1000);
  return text;
}

}  // namespace

void LagHistogram::add(Nanos lag) {
  lag = std::max<Nanos>(lag, 0);
  ++counts_[std::min(step_of(static_cast<std::uint64_t>(lag)), counts_.size() - 1)];
  ++count_;
  sum_ += static_cast<double>(lag);
  max_ = std::max(max_, lag);
}

void LagHistogram::add(const LagHistogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

double LagHistogram::mean() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_) * 1e-9;
}

double LagHistogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<std::uint64_t>(std::ceil(percent / 100 * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= std::max<std::uint64_t>(rank, 1)) return std::min(upper_edge(i) * 1e-9, max());
  }
  return max();
}

Verdict client_bound(const ClientReport& client, const Metrics& metrics, double bound_seconds) {
  Verdict verdict;
  const double read = client.read_lag.percentile(99);
  const double send = metrics.send_lag.percentiles.empty() ? 0 : metrics.send_lag.percentiles.back();
  const auto ttft = metrics.latency.find("ttft");
  const double tenth = ttft == metrics.latency.end() ? 0 : ttft->second.median / 10;
  if (read > bound_seconds) {
    verdict.client_bound = true;
    verdict.reason = "p99 from when bytes arrived until they were read is " + milliseconds(read) +
                     ", more than " + milliseconds(bound_seconds);
  } else if (send > std::max(bound_seconds, tenth)) {
    verdict.client_bound = true;
    verdict.reason = "p99 from when a request could be sent until it was sent is " + milliseconds(send) +
                     ", more than " + milliseconds(std::max(bound_seconds, tenth));
  }
  return verdict;
}

}  // namespace sweep::client
