// The words about the directory in which a benchmark leaves its result. Agent and controller use the same.
#pragma once

#include <string>

namespace sweep {

/// Returns the message for a working directory in which the benchmark cannot leave its result.
std::string unwritable_workspace(const std::string& directory, const std::string& reason);

}  // namespace sweep
