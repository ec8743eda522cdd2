// `sweepctl matrix`: the Python tool generate_sweep_configs.py as a command. Contract, section 2.
#pragma once

#include <string>
#include <vector>

namespace sweep::matrix {

struct CommandOutput {
  int status = 0;        // 0, 1 (error) or 2 (usage)
  std::string out, err;  // for standard output and standard error, complete with newlines
};

/// Runs what follows `sweepctl matrix` on the command line. `out` is the matrix as one line of JSON, or the
/// help; `err` is one line that says what is wrong, on a usage error after the usage.
CommandOutput run_matrix_command(const std::vector<std::string>& args);

}  // namespace sweep::matrix
