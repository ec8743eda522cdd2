// Runs full-sweep or test-config on files of InferenceX, which have been parsed already. Contract of 2026.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencex/row.hpp"
#include "controller/matrix/matrix_files.hpp"
#include "controller/matrix/options.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// Returns the runner file that is read if the arguments name none: configs/runners.yaml; for a sweep, which
/// may be started anywhere, runners.yaml beside the first configuration file.
std::string default_runner_file(const std::vector<std::string>& config_files, bool in_sweep);

/// Returns the rows of the subcommand `name`. Checks every entry of every file first. In a sweep the runner
/// file may be missing as long as nothing needs it. Fails with FILE:LINE and the contract's words. Appends to
/// `warnings` one line for each thing in the files or options that has no effect or an effect that the user
/// may not expect.
Expected<Rows> run(const std::string& name, const Options& options, std::vector<MatrixFile> files,
                   const MatrixFile& runner_file, bool in_sweep, std::vector<std::string>& warnings);

}  // namespace sweep::matrix::inferencex
