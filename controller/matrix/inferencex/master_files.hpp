// Reads and checks the entries and the runners of whole files of InferenceX.
#pragma once

#include <string>
#include <vector>

#include "controller/matrix/inferencex/entry.hpp"
#include "controller/matrix/inferencex/runner_file.hpp"
#include "controller/matrix/matrix_files.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// Returns all entries, checked, in the order of the files. Each document is released as soon as its entries
/// are read, because a large one takes much more memory than they do. Fails with FILE:LINE and the contract's
/// words. Appends to `warnings` a line for each thing that hardly means what it says.
Expected<std::vector<Entry>> read_entries(std::vector<MatrixFile> files, bool in_sweep,
                                          std::vector<std::string>& warnings);

/// Returns the runner file, an empty one if it is missing and may be. Fails as read_runner_file does.
Expected<RunnerFile> read_runners(const MatrixFile& file, bool may_be_missing,
                                  std::vector<std::string>& warnings);

}  // namespace sweep::matrix::inferencex
