// Recipes of srt-slurm that points over several nodes name in their settings (CONFIG_FILE=recipes/…), as far as the
// workspace is visible from this host. Nothing is written.
#pragma once

#include <string>

#include "controller/plan/plan.hpp"
#include "util/error.hpp"

namespace sweep {

/// Returns one line that counts the points whose CONFIG_FILE is neither in the workspace's copy of srt-slurm's recipes
/// (benchmarks/multi_node/srt-slurm-recipes) nor, with its whole path, in the workspace; "" if there are none, or if the
/// workspace is not a checkout of InferenceX on this host. `directory`: as for find_benchmark_gaps().
Expected<std::string> missing_config_files(const Plan& plan, const std::string& directory);

}  // namespace sweep
