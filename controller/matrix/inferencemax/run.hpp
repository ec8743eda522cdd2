// Runs one subcommand on files of InferenceMAX (2025), which have been parsed already. Contract of 2025,
// section 2.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/matrix_files.hpp"
#include "controller/matrix/options.hpp"
#include "controller/matrix/run.hpp"
#include "util/error.hpp"

namespace sweep::matrix {

/// Returns the matrix of the subcommand `name`. Checks every entry of every file first. Fails with the
/// contract's message. Appends to `warnings` one line for each thing in the files that has no effect.
Expected<Matrix> run_inferencemax(const std::string& name, const Options& options,
                                  std::vector<MatrixFile> files, Caller caller,
                                  std::vector<std::string>& warnings);

}  // namespace sweep::matrix
