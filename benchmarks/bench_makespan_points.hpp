// The points of a matrix for bench_makespan: how long each would take according to the simulated server's
// model, and which server it needs. Pure, except for reading the files.
//
// All durations come from the model in docs/simulated-server.md; none was measured.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::bench {

struct SimulatedPoint {
  core::PointSpec spec;  // including the key of its server
  Millis run{0};         // of the client, with a server that is ready
};

/// Returns the points of a master configuration on `hardware` ("b200"), in matrix order. For points with a
/// recipe in the profile, the server key is the recipe's; for others it consists of everything except the
/// concurrency. Fails, naming the point, if the model cannot run it.
Expected<std::vector<SimulatedPoint>> simulated_points(const std::string& config, const std::string& profile,
                                                       const std::string& hardware);

}  // namespace sweep::bench
