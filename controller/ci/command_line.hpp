// The command line of the tools of InferenceX's CI: options by the rules of argparse, errors and help by
// ours. Pure.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::ci {

struct CommandOutput {
  int status = 0;        // 0, 1 (error) or 2 (usage)
  std::string out, err;  // complete text for standard output and standard error
};

/// Parses `args` by the options of `command`, prints its help if asked for, and otherwise returns the output
/// of `run`, whose text goes to standard output and whose error to standard error.
CommandOutput run_with_options(const matrix::CommandSpec& command, const std::vector<std::string>& args,
                               const std::function<Expected<std::string>(const matrix::Options&)>& run);

}  // namespace sweep::ci
