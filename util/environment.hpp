// Environments of processes, as lists of NAME=value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// Returns NAME of "NAME=value".
std::string variable_name(std::string_view entry);

/// Returns the value of the variable `name`; std::nullopt if it is not set. Of several entries the first
/// counts, as with getenv.
std::optional<std::string> look_up(const std::vector<std::string>& environment, std::string_view name);

/// Returns true if the variable selects the GPUs that a process may use: CUDA_VISIBLE_DEVICES and similar
/// ones.
bool names_gpus(std::string_view name);

}  // namespace sweep
