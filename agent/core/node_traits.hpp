// What Slurm reports about the agent's node: its features and GPU types, from which the controller derives
// which runners the node serves. Slurm is asked only if the sweep's profile has runners that depend on them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::agent {

/// Returns the command that asks Slurm; empty if this agent is not a task of Slurm's.
std::vector<std::string> node_command(const wire::Hello& hello);

/// Parses the output of `scontrol -o show node`. Values that are missing are empty.
NodeKnown parse_node_traits(std::string_view text);

}  // namespace sweep::agent
