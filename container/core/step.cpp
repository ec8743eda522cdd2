#include "container/core/step.hpp"

#include <algorithm>

#include "proto/base/env_names.hpp"
#include "proto/base/text.hpp"

namespace sweep::container {

namespace {

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string value_of(const StepVariables& variables, const std::string& name) {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
  return found == variables.end() ? "" : found->second;
}

}  // namespace

Expected<StepVariables> step_variables(const StepRequest& request, const StepAgent& agent) {
  const std::string inside = kInside;
  if (!agent.loader.starts_with("/usr/"))
    return fail("an agent in the image is started by the node's loader, and '" + printable(agent.loader) +
                "' does not lie in /usr; let the agent stay on the node (agent: node)");
  std::vector<std::string> mounts{"/usr:" + inside + "/usr:ro",
                                  folder_of(agent.program) + ":" + inside + "/bin:ro"};
  for (const std::string& folder : agent.folders)
    mounts.push_back(folder + ":" + folder);
  mounts.push_back("tmpfs:/dev/shm:mode=1777" +
                   (request.shm_size.empty() ? "" : "+size=" + request.shm_size));
  mounts.push_back(request.workspace + ":" + request.workdir);
  for (const Mount& mount : request.mounts)
    mounts.push_back(mount_text(mount));
  return StepVariables{{"PYXIS_CONTAINER_IMAGE", request.image},
                       {"PYXIS_CONTAINER_MOUNTS", join(mounts, ",")},
                       {"PYXIS_CONTAINER_WORKDIR", request.workdir},
                       {"PYXIS_CONTAINER_ENV", join(request.names, ",")},
                       {"PYXIS_CONTAINER_WRITABLE", request.writable ? "1" : "0"},
                       {"PYXIS_CONTAINER_MOUNT_HOME", "0"},
                       {"PYXIS_CONTAINER_REMAP_ROOT", "0"},
                       {"PYXIS_CONTAINER_ENTRYPOINT", "0"},
                       {SWEEP_ENV_LOADER, inside + agent.loader},
                       {SWEEP_ENV_AGENT, inside + "/bin" + agent.program.substr(agent.program.rfind('/'))}};
}

std::vector<std::string> agent_inside(const StepVariables& variables) {
  const std::string loader = value_of(variables, SWEEP_ENV_LOADER);
  return {loader, "--library-path", folder_of(loader), value_of(variables, SWEEP_ENV_AGENT)};
}

}  // namespace sweep::container
