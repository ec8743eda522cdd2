// Agents in an image: what of this machine they need there (container/core/step.hpp). Nodes are taken to be
// like it.
#pragma once

#include <string>

#include "container/core/step.hpp"
#include "controller/profile/profile.hpp"

namespace sweep::cli {

/// The variables of a step whose agents are in an image. `agent`: sweep-agent's path on the nodes; empty: it
/// lies beside this program. Fails where the node's libraries cannot be handed in.
Expected<container::StepVariables> variables_of_step(container::StepRequest request,
                                                     const profile::Profile& profile,
                                                     const std::string& agent);

/// Why there is no sweep where no job is.
inline constexpr const char* kNeedsJob =
    "the profile's 'container.agent: image' needs a job of Slurm: pyxis starts the agents in the image";

/// The agent that was built or installed with this program, else whatever PATH has.
std::string agent_program();

}  // namespace sweep::cli
