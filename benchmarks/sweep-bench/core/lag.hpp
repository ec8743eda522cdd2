// The client's own lag, and whether it distorted the measurement. Pure.
//
// Send lag: from when a request could be sent until its first byte was sent. Read lag: from when bytes
// arrived until they were read and parsed. Both are caused only by the client or its machine, never by the
// server.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "benchmarks/sweep-bench/core/metrics.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// A histogram of durations with steps of a sixteenth of a power of two: percentiles are exact to 7 % in a
/// fixed amount of memory, which matters because every piece of every stream adds a value.
class LagHistogram {
 public:
  void add(Nanos lag);
  void add(const LagHistogram& other);
  std::uint64_t count() const { return count_; }
  double mean() const;                      // seconds
  double percentile(double percent) const;  // seconds, the upper edge of the step; 0 if empty
  double max() const { return static_cast<double>(max_) * 1e-9; }

 private:
  static constexpr std::size_t kSteps = std::size_t{16} * 48;
  std::array<std::uint64_t, kSteps> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  Nanos max_ = 0;
};

/// What the client's threads measured about themselves.
struct ClientReport {
  LagHistogram read_lag;
  bool kernel_stamps = false;  // arrival times are the kernel's time stamps, not the times of the reads
  std::size_t threads = 0;
  double busiest_thread = 0;          // the largest CPU share of any thread during the run, 0 to 1
  std::size_t connections = 0;        // opened during the run
  std::size_t stale_connections = 0;  // requests resent because the server had closed an idle connection
  std::int64_t peak_memory_kib = 0;
};

struct Verdict {
  bool client_bound = false;
  std::string reason;  // one line; empty if not client-bound
};

/// Returns whether the run is client-bound: the p99 of the read lag exceeds the bound, or the p99 of the send
/// lag exceeds both the bound and a tenth of the median TTFT (with an infinite rate, all first requests are
/// due at the same time and some of them are necessarily sent last).
Verdict client_bound(const ClientReport& client, const Metrics& metrics, double bound_seconds);

}  // namespace sweep::client
