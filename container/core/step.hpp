// The agent itself in a container: what pyxis is told, so that it starts all of a step in one image.
//
// Pyxis takes its defaults from variables of the step. The agent and the libraries of the node that it needs
// are mounted below kInside, and started by the node's own dynamic loader: an image need have nothing of
// them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "container/core/runtime.hpp"
#include "util/error.hpp"

namespace sweep::container {

/// Where the node's /usr (as usr) and the agent's folder (as bin) are inside.
inline constexpr const char* kInside = "/run/slurm-sweep";

struct StepRequest {
  std::string image;               // as pyxis takes it: of a registry, or an absolute path
  std::string workspace, workdir;  // the folder outside, and where it is inside; the agent stands there
  std::vector<Mount> mounts;
  std::vector<std::string> names;  // variables of the job that win over the image's own
  std::string shm_size;            // of /dev/shm, as docker writes it; empty: half of the memory
  bool writable = true;            // its root
  friend bool operator==(const StepRequest&, const StepRequest&) = default;
};

/// What of the node the agent needs.
struct StepAgent {
  std::string program;               // absolute
  std::string loader;                // the dynamic loader's own file, no link to it
  std::vector<std::string> folders;  // that are inside what they are outside
};

using StepVariables = std::vector<std::pair<std::string, std::string>>;

/// Whether pyxis can mount what the profile names. Fails, naming it.
Expected<void> check_step(const StepRequest& request);

/// The variables of the step, PYXIS_CONTAINER_* and those by which the plugin finds the agent inside. Fails, with a
/// remedy, on what pyxis or the node's libraries do not allow.
Expected<StepVariables> step_variables(const StepRequest& request, const StepAgent& agent);

/// The words that start the agent inside, before its arguments.
std::vector<std::string> agent_inside(const StepVariables& variables);

}  // namespace sweep::container
