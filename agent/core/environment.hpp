// The environment that a benchmark gets (InferenceMAX contract, section 3).
//
// Rule: no variable that begins with SWEEP_ENV_PREFIX or SWEEP_ENV_SPANK_PREFIX reaches a benchmark, from
// whichever source. The former include the sweep's secret; the latter would make an srun inside the benchmark
// start a sweep.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/environment.hpp"

namespace sweep::agent {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Returns true if slurm-sweep's own parts use this variable to pass values to each other.
bool is_internal(std::string_view name);

/// The name of the variable in mark_of().
inline constexpr std::string_view kMarkName = "SWEEP_ATTEMPT";

/// Returns the NAME=value in the environment of all processes of an attempt or a server, by which they are
/// found.
std::string mark_of(const wire::AttemptRef& ref);

/// Returns RANDOM_RANGE_RATIO of the agent's environment `own` if a benchmark gets it from there; "" if it
/// gets that of the lease, or the default.
std::string own_range_ratio(const std::vector<std::string>& own, const Variables& lease);

/// Returns a benchmark's environment: `own` (the agent's), then `lease` and `gpus`, where later values win,
/// then PORT and PORT_OFFSET, and the contract's defaults for variables that are not set. `directory` becomes
/// PWD unless it is empty.
std::vector<std::string> benchmark_environment(const std::vector<std::string>& own, const Variables& lease,
                                               const Variables& gpus, int port, const std::string& directory);

}  // namespace sweep::agent
