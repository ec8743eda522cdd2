// The floors that bench_controller compares its figures with: the same messages with a process that takes no
// decisions, and the same rows in a journal without any messages.
#pragma once

#include <sys/types.h>

#include <string>

#include "benchmarks/simulated_agents.hpp"
#include "util/error.hpp"

namespace sweep::bench {

/// A process with a ROUTER socket, CURVE and the project's codec that sends Welcome to every agent, answers
/// Ready with a Lease and Finished with Settled and the next Lease, `points` times, and finally sends Drain
/// to all. It takes no decisions and writes no files. It ends with this process, or when this object is
/// destroyed.
class StubController {
 public:
  /// May be called only while this process has a single thread (it forks).
  static Expected<StubController> start(int agents, int points);
  StubController(StubController&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), connect_info_(std::move(other.connect_info_)) {}
  StubController& operator=(StubController&&) = delete;
  ~StubController();
  const ConnectInfo& connect_info() const { return connect_info_; }

 private:
  StubController(pid_t pid, ConnectInfo info) : pid_(pid), connect_info_(std::move(info)) {}
  pid_t pid_ = -1;
  ConnectInfo connect_info_;
};

/// Returns the microseconds per point of a new journal in `directory` that gets the rows of `points` points
/// (leased, started, ended with a result), `batch` points per transaction.
Expected<double> time_journal(const std::string& directory, int points, int batch);

}  // namespace sweep::bench
