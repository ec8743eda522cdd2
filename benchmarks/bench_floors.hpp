// The floors of a turnaround: what starting a process, talking to the controller and making a decision
// durable cost when nothing is around them. All times in microseconds.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::bench {

struct SpawnTimes {
  std::vector<double>
      gap;  // from the end of one process to the start of the next, by the processes' own clocks
  std::vector<double> whole;  // posix_spawn, the process, waitpid
};

/// Runs `noop` (bench-noop) in `directory`, one after the other, as a loop around posix_spawn and waitpid
/// does.
Expected<SpawnTimes> time_spawns(const std::string& noop, const std::string& directory, int count);

/// A Finished with a result of bench-noop's size there and back, through the project's own sockets and codec,
/// CURVE and an event loop at each end, over 127.0.0.1.
Expected<std::vector<double>> time_round_trips(int count);

/// One transaction of two events in a journal of the project's own in `directory`.
Expected<std::vector<double>> time_commits(const std::string& directory, int count);

/// The stamps that processes of bench-noop left in `file`, in nanoseconds, as the gaps between them: from the
/// end of each to the start of the next.
Expected<std::vector<double>> read_gaps(const std::string& file);

}  // namespace sweep::bench
