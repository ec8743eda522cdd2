// `sweepctl matrix`, which replaces InferenceMAX's generate_sweep_configs.py. Contract, section 2.
#pragma once

#include <string>
#include <vector>

namespace sweep::matrix {

struct CommandOutput {
  int status = 0;        // 0, 1 (error) or 2 (usage)
  std::string out, err;  // the text for standard output and standard error, including newlines
};

/// Runs `sweepctl matrix` with the arguments `args` and returns its output. `out` is the matrix as one line
/// of JSON, or the help. `err` has a line for each warning, and the error
/// message, one line; for a usage error the usage precedes it.
CommandOutput run_matrix_command(const std::vector<std::string>& args);

}  // namespace sweep::matrix
