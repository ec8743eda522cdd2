// The client's own lag, and whether it coloured the measurement. Pure.
//
// Send lag: from the moment a request could go to the moment its first byte went. Read lag: from the arrival
// of bytes to the end of reading them. Both are the client's fault alone (or its machine's), and no server's.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "benchmarks/sweep-bench/core/metrics.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// Durations counted by size, in steps of a sixteenth of a power of two: percentiles to within 7 % in fixed
/// memory, since there is one lag for each piece of every stream.
class LagHistogram {
 public:
  void add(Nanos lag);
  void add(const LagHistogram& other);
  std::uint64_t count() const { return count_; }
  double mean() const;                      // seconds
  double percentile(double percent) const;  // seconds, the upper edge of its step; 0 without a value
  double max() const { return static_cast<double>(max_) * 1e-9; }

 private:
  static constexpr std::size_t kSteps = std::size_t{16} * 48;
  std::array<std::uint64_t, kSteps> counts_{};
  std::uint64_t count_ = 0;
  double sum_ = 0;
  Nanos max_ = 0;
};

/// What the threads did, apart from the requests.
struct ClientReport {
  LagHistogram read_lag;
  bool kernel_stamps = false;  // arrivals are the kernel's stamps, not those of the read
  std::size_t threads = 0;
  double busiest_thread = 0;          // of them, the largest share of the run on the CPU, 0 to 1
  std::size_t connections = 0;        // opened during the run
  std::size_t stale_connections = 0;  // requests sent again: the server had closed an idle connection
  std::int64_t peak_memory_kib = 0;
};

struct Verdict {
  bool client_bound = false;
  std::string reason;  // one line, "" when it is not
};

/// Client-bound: p99 of the read lag above the bound, or p99 of the send lag above the bound and above a
/// tenth of the median TTFT (at an infinite rate all first requests go at once, and some of them go last).
Verdict client_bound(const ClientReport& client, const Metrics& metrics, double bound_seconds);

}  // namespace sweep::client
