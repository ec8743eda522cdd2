// Agents that run inside a container image: what they need of the host (container/core/step.hpp). The nodes
// are assumed to be like this machine.
#pragma once

#include <string>

#include "container/core/step.hpp"
#include "controller/profile/profile.hpp"

namespace sweep::cli {

/// Returns the environment variables of a step whose agents run in an image. `agent`: sweep-agent's path on
/// the nodes; "": it is in the directory of this program. Fails if the node's libraries cannot be made
/// available in the image.
Expected<container::StepVariables> variables_of_step(container::StepRequest request,
                                                     const profile::Profile& profile,
                                                     const std::string& agent);

/// Returns the path of the sweep-agent that was built or installed with this program; if there is none,
/// "sweep-agent", to be found in PATH.
std::string agent_program();

}  // namespace sweep::cli
