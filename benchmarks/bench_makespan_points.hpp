// The points of a matrix for bench_makespan: what each would take by the simulated server's model, and which
// server it needs. Pure but for reading the files.
//
// Simulated: every duration is of the model in docs/simulated-server.md, none was measured.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::bench {

struct SimulatedPoint {
  core::PointSpec spec;  // with the key of its server
  Millis run{0};         // of the client, against a server that is ready
};

/// The points of a master configuration on `hardware` ("b200"), in matrix order. The keys of points that have
/// a recipe in the profile are the recipe's; for others all but the concurrency makes the key. Fails, naming
/// the point, where the model cannot run one.
Expected<std::vector<SimulatedPoint>> simulated_points(const std::string& config, const std::string& profile,
                                                       const std::string& hardware);

}  // namespace sweep::bench
