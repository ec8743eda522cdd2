// The environment: what the agent reads in its own, and what a benchmark gets (InferenceMAX contract, section
// 3).
//
// Rule: nothing that begins with SWEEP_ENV_PREFIX or SWEEP_ENV_SPANK_PREFIX reaches a benchmark, wherever it
// comes from: the first has the sweep's secret, the second would make an srun inside start a sweep of its
// own.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/wire/messages.hpp"
#include "util/environment.hpp"

namespace sweep::agent {

using Variables = std::vector<std::pair<std::string, std::string>>;

/// Whether a variable is one of those that the parts of this program hand to each other.
bool is_ours(std::string_view name);

/// The name of mark_of().
inline constexpr std::string_view kMarkName = "SWEEP_ATTEMPT";

/// NAME=value in the environment of all processes of an attempt, and of a server: tells them from others'.
std::string mark_of(const wire::AttemptRef& ref);

/// What a benchmark gets: `own` (the agent's), then `lease`, later ones winning, then `gpus`, PORT and
/// PORT_OFFSET, and the contract's defaults where nobody has set them. `directory`, where not empty, becomes
/// PWD.
std::vector<std::string> benchmark_environment(const std::vector<std::string>& own, const Variables& lease,
                                               const Variables& gpus, int port, const std::string& directory);

}  // namespace sweep::agent
