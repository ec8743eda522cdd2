// Which GPUs the agent has, and which of them an attempt gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/environment.hpp"

namespace sweep::agent {

struct GpuList {
  std::vector<std::string> ids;  // as the variable names them: indices or UUIDs
  std::string variable;          // the variable that named them; empty: none did
};

/// Returns the GPUs that this environment gives the agent. Outside of Slurm, if no variable names or hides
/// GPUs, these are the ones in `devices` (names in /dev, such as nvidia0).
GpuList find_gpus(const std::vector<std::string>& environment, const std::vector<std::string>& devices);

/// Returns the first `count` GPUs of `all` that are not in `taken`; std::nullopt if there are fewer.
std::optional<std::vector<std::string>> choose_gpus(const std::vector<std::string>& all,
                                                    const std::vector<std::string>& taken, int count);

/// Returns the variables that make a program see only the GPUs in `chosen`.
Variables gpu_variables(const GpuList& list, const std::vector<std::string>& chosen);

}  // namespace sweep::agent
