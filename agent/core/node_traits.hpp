// What Slurm says of the agent's node: its features and the types of its GPUs, by which the controller tells
// which runners it serves. Asked only where the sweep's profile has runners that depend on them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::agent {

/// The command that tells; empty where this is no task of Slurm's.
std::vector<std::string> node_question(const wire::Hello& hello);

/// What `scontrol -o show node` has printed. What it does not say is empty.
NodeKnown node_traits_in(std::string_view text);

}  // namespace sweep::agent
