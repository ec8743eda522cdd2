// Environments as lists of NAME=value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// NAME of NAME=value.
std::string variable_name(std::string_view entry);

/// The value of `name`; of several the first, as for getenv. Nothing: it is not set.
std::optional<std::string> look_up(const std::vector<std::string>& environment, std::string_view name);

/// Whether a variable says which GPUs a process may use (CUDA_VISIBLE_DEVICES and the like).
bool names_gpus(std::string_view name);

}  // namespace sweep
