// `sweepctl process-changelog`, which replaces InferenceX's process_changelog.py. Contract of 2026, section
// 5.
#pragma once

#include <string>
#include <vector>

#include "controller/ci/command_line.hpp"

namespace sweep::ci {

/// Runs the command in the working directory, the root of a git repository with the configurations of
/// InferenceX.
CommandOutput run_process_changelog(const std::vector<std::string>& args);

}  // namespace sweep::ci
