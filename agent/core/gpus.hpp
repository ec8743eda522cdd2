// Which GPUs the agent has, and which of them an attempt gets.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/environment.hpp"

namespace sweep::agent {

struct GpuList {
  std::vector<std::string> ids;  // as the variable names them: indices or UUIDs
  std::string variable;          // that named them; empty: none did
};

/// The GPUs that this environment gives the agent. Outside of Slurm, where no variable names or hides any,
/// those of `devices` (names in /dev, nvidia0).
GpuList find_gpus(const std::vector<std::string>& environment, const std::vector<std::string>& devices);

/// `count` of `all` that are not in `taken`, in the list's order; nothing when there are not so many.
std::optional<std::vector<std::string>> choose_gpus(const std::vector<std::string>& all,
                                                    const std::vector<std::string>& taken, int count);

/// What makes a program see just `chosen` of the list.
Variables gpu_variables(const GpuList& list, const std::vector<std::string>& chosen);

}  // namespace sweep::agent
