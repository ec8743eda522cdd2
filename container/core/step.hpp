// Agents that run inside the image: the variables with which pyxis starts all tasks of a step in one image.
//
// Pyxis takes its defaults from environment variables of the step. The agent and the node's libraries that it
// needs are mounted below kInside and started by the node's own dynamic loader, so the image needs no
// libraries of ours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "container/core/runtime.hpp"
#include "proto/base/container_spec.hpp"
#include "util/error.hpp"

namespace sweep::container {

/// The directory in the container that has the node's /usr (as usr) and the agent's directory (as bin).
inline constexpr const char* kInside = "/run/slurm-sweep";

struct StepRequest {
  std::string workspace;    // directory on the node that is mounted at container.workdir
  ContainerSpec container;  // the fields for ContainerUse::Step; `image` as pyxis takes it
  friend bool operator==(const StepRequest&, const StepRequest&) = default;
};

/// What the agent needs from the node.
struct StepAgent {
  std::string program;               // absolute path
  std::string loader;                // the dynamic loader's own file, not a link to it
  std::vector<std::string> folders;  // mounted at the same path inside as outside
};

using StepVariables = std::vector<std::pair<std::string, std::string>>;

/// Returns an error that names the path if pyxis cannot mount something that the profile names.
Expected<void> check_step(const StepRequest& request);

/// Returns the variables of the step: PYXIS_CONTAINER_*, and those with which the SPANK plugin finds the
/// agent in the container. Returns an error with a remedy if pyxis or the node's libraries do not allow it.
Expected<StepVariables> step_variables(const StepRequest& request, const StepAgent& agent);

/// Returns the words that start the agent in the container, before its arguments.
std::vector<std::string> agent_inside(const StepVariables& variables);

}  // namespace sweep::container
