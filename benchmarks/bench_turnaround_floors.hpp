// The floors of a turnaround: the cost of starting a process, of a message round trip to the controller, and
// of making a decision durable, each measured in isolation. All times in microseconds.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::bench {

struct SpawnTimes {
  // From the end of one process to the start of the next, as stamped by the processes.
  std::vector<double> gap;
  std::vector<double> whole;  // from posix_spawn until waitpid returns
};

/// Runs `noop` (bench-noop) `count` times in `directory`, one after the other, with posix_spawn and waitpid.
Expected<SpawnTimes> time_spawns(const std::string& noop, const std::string& directory, int count);

/// Measures round trips of a Finished with a result of bench-noop's size, through the project's sockets and
/// codec with CURVE, with an event loop at each end, over 127.0.0.1.
Expected<std::vector<double>> time_round_trips(int count);

/// Measures transactions of two events in a new journal in `directory`.
Expected<std::vector<double>> time_commits(const std::string& directory, int count);

/// Returns the gaps between the runs of bench-noop that appended to `file`: from the end of each to the start
/// of the next.
Expected<std::vector<double>> read_gaps(const std::string& file);

}  // namespace sweep::bench
