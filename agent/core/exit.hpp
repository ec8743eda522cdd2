// What the exit of a benchmark's first process says about the benchmark. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/core/actions.hpp"
#include "proto/base/outcome.hpp"

namespace sweep::agent {

/// Returns true if a process that ended like this may have been ended by one of the signals with which Slurm and people
/// end a step: SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2. A shell whose child was ended by signal N exits with 128 + N.
bool may_be_outside_signal(const Ended& how);

/// Returns the outcome benchmark-failed. `how`: std::nullopt if the process could not be killed. `last_line`: the last line
/// of its output, which becomes the reason.
Outcome failed_exit(const std::optional<Ended>& how, const std::string& last_line);

}  // namespace sweep::agent
