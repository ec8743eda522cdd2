// `sweepctl ci-priority`, which replaces InferenceX's ci_priority.py. Contract of 2026, section 6.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/ci/command_line.hpp"

namespace sweep::ci {

/// Runs the command. `standard_input` returns what is there until its end; it is called if no --input is
/// given.
CommandOutput run_ci_priority(const std::vector<std::string>& args,
                              const std::function<Expected<std::string>()>& standard_input);

}  // namespace sweep::ci
