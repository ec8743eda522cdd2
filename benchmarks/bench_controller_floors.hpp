// What bench_controller sets its figures beside: the same conversation with nobody deciding anything, and the
// same rows in a journal with nobody talking.
#pragma once

#include <sys/types.h>

#include <string>

#include "benchmarks/bench_controller_crowd.hpp"
#include "util/error.hpp"

namespace sweep::bench {

/// A process with a ROUTER socket, CURVE and the project's codec, which welcomes everybody, answers Ready
/// with a Lease and Finished with Settled and the next Lease, `points` times, and then sends Drain to all. It
/// decides nothing and writes nothing. It ends with this process, or with this object.
class Parrot {
 public:
  /// To be called while this process has one thread.
  static Expected<Parrot> start(int agents, int points);
  Parrot(Parrot&& other) noexcept : pid_(std::exchange(other.pid_, -1)), door_(std::move(other.door_)) {}
  Parrot& operator=(Parrot&&) = delete;
  ~Parrot();
  const Door& door() const { return door_; }
  pid_t pid() const { return pid_; }

 private:
  Parrot(pid_t pid, Door door) : pid_(pid), door_(std::move(door)) {}
  pid_t pid_ = -1;
  Door door_;
};

/// Microseconds a point takes of one journal in `directory` that gets `points` points' rows (leased, started,
/// ended with a result), `batch` points in each transaction.
Expected<double> time_journal(const std::string& directory, int points, int batch);

}  // namespace sweep::bench
