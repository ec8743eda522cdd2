#include "container/core/step.hpp"

#include <algorithm>

#include "proto/base/env_names.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

// What pyxis reads of one variable; what is longer it ignores without a word.
constexpr std::size_t kMostOfVariable = 4095;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string value_of(const StepVariables& variables, const std::string& name) {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
  return found == variables.end() ? "" : found->second;
}

/// Pyxis separates mounts by commas and their parts by colons, and enroot makes lines of words of them.
Expected<void> check_path(const std::string& what, const std::string& path) {
  const bool good = path.find_first_of(",: \t\"\\") == std::string::npos && printable(path) == path;
  if (good) return {};
  return fail(
      what + " '" + printable(path) +
      "' cannot be mounted by pyxis: commas, colons, blanks, quotes and backslashes separate mounts; use "
      "another folder, or let the agent stay on the node (agent: node)");
}

Expected<std::string> all_mounts(const StepRequest& request, const StepAgent& agent) {
  const std::string inside = kInside;
  std::vector<std::string> mounts{"/usr:" + inside + "/usr:ro",
                                  folder_of(agent.program) + ":" + inside + "/bin:ro"};
  auto good = check_path("the agent's folder", folder_of(agent.program));
  for (const std::string& folder : agent.folders) {
    if (good) good = check_path("the folder", folder);
    mounts.push_back(folder + ":" + folder);
  }
  mounts.push_back("tmpfs:/dev/shm:mode=1777" +
                   (request.shm_size.empty() ? "" : "+size=" + request.shm_size));
  mounts.push_back(request.workspace + ":" + request.workdir);
  for (const Mount& mount : request.mounts)
    mounts.push_back(mount_text(mount));
  if (good) good = check_step(request);
  if (!good) return tl::unexpected(good.error());
  return join(mounts, ",");
}

}  // namespace

Expected<void> check_step(const StepRequest& request) {
  auto good = check_path("the workspace", request.workspace);
  if (good) good = check_path("'container.workdir'", request.workdir);
  for (const Mount& mount : request.mounts) {
    if (good) good = check_path("the mount's source", mount.source);
    if (good) good = check_path("the mount's target", mount.target);
  }
  return good;
}

Expected<StepVariables> step_variables(const StepRequest& request, const StepAgent& agent) {
  const std::string inside = kInside;
  if (!agent.loader.starts_with("/usr/"))
    return fail("an agent in the image is started by the node's loader, and '" + printable(agent.loader) +
                "' does not lie in /usr; let the agent stay on the node (agent: node)");
  if (!agent.program.starts_with('/'))
    return fail(
        "there is no sweep-agent beside sweepctl or in PATH to hand into the image; install slurm-sweep");
  SWEEP_ASSIGN(const auto mounts, all_mounts(request, agent));
  StepVariables out{{"PYXIS_CONTAINER_IMAGE", request.image},
                    {"PYXIS_CONTAINER_MOUNTS", mounts},
                    {"PYXIS_CONTAINER_WORKDIR", request.workdir},
                    {"PYXIS_CONTAINER_WRITABLE", request.writable ? "1" : "0"},
                    {"PYXIS_CONTAINER_MOUNT_HOME", "0"},
                    {"PYXIS_CONTAINER_REMAP_ROOT", "0"},
                    {"PYXIS_CONTAINER_ENTRYPOINT", "0"},
                    {SWEEP_ENV_LOADER, inside + agent.loader},
                    {SWEEP_ENV_AGENT, inside + "/bin" + agent.program.substr(agent.program.rfind('/'))}};
  // An empty list is an error to pyxis.
  if (!request.names.empty()) out.emplace_back("PYXIS_CONTAINER_ENV", join(request.names, ","));
  for (const auto& [name, value] : out) {
    if (value.size() > kMostOfVariable)
      return fail("the container's mounts, image or variables are too many for pyxis: " + name +
                  " would have " + std::to_string(value.size()) + " characters, and may have " +
                  std::to_string(kMostOfVariable) +
                  "; mount a folder above them, or let the agent stay on the node (agent: node)");
  }
  return out;
}

std::vector<std::string> agent_inside(const StepVariables& variables) {
  const std::string loader = value_of(variables, SWEEP_ENV_LOADER);
  return {loader, "--library-path", folder_of(loader), value_of(variables, SWEEP_ENV_AGENT)};
}

}  // namespace sweep::container
