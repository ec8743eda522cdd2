// Decides what the result file of a benchmark that exited with status 0 means for its outcome.
#pragma once

#include <optional>
#include <string>

#include "agent/core/actions.hpp"
#include "proto/base/outcome.hpp"

namespace sweep::agent {

/// Returns Ok if `result` is a new, readable file of acceptable size; else NoResult or InvalidResult with a
/// reason. `path`: the file's path, for the reason. `old_result`: the stamp of a file that was at `path` before
/// the benchmark started.
Outcome check_result(const ResultRead& result, const std::optional<FileStamp>& old_result,
                     const std::string& path);

/// Returns the outcome of a benchmark that only evaluates: Ok, or NoResult if files are missing (missing_eval_files).
Outcome check_eval_files(const std::string& missing);

}  // namespace sweep::agent
