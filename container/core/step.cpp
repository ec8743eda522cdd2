#include "container/core/step.hpp"

#include <algorithm>

#include "proto/base/env_names.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

// The longest value of a variable that pyxis reads. It silently ignores longer ones.
constexpr std::size_t kMaxVariable = 4095;

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

std::string value_of(const StepVariables& variables, const std::string& name) {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const auto& one) { return one.first == name; });
  return found == variables.end() ? "" : found->second;
}

/// Pyxis separates mounts by commas and their parts by colons; enroot writes them as lines of words.
Expected<void> check_path(const std::string& what, const std::string& path) {
  const bool good = path.find_first_of(",: \t\"\\") == std::string::npos && printable(path) == path;
  if (good) return {};
  return fail(
      "pyxis cannot mount '" + printable(path) + "' (" + what +
      "): commas, colons, blanks, quotes and backslashes are separators; use another path, or run the "
      "agent on the node (container: agent: node)");
}

Expected<std::string> all_mounts(const StepRequest& request, const StepAgent& agent) {
  const ContainerSpec& container = request.container;
  const std::string inside = kInside;
  std::vector<std::string> mounts{"/usr:" + inside + "/usr:ro",
                                  folder_of(agent.program) + ":" + inside + "/bin:ro"};
  auto good = check_path("the agent's directory", folder_of(agent.program));
  for (const std::string& folder : agent.folders) {
    if (good) good = check_path("needed by the agent", folder);
    mounts.push_back(folder + ":" + folder);
  }
  mounts.push_back("tmpfs:/dev/shm:mode=1777" +
                   (container.shm_size.empty() ? "" : "+size=" + container.shm_size));
  mounts.push_back(request.workspace + ":" + container.workdir);
  mounts.insert(mounts.end(), container.mounts.begin(), container.mounts.end());
  if (good) good = check_step(request);
  if (!good) return tl::unexpected(good.error());
  return join(mounts, ",");
}

}  // namespace

Expected<void> check_step(const StepRequest& request) {
  auto good = check_path("the workspace", request.workspace);
  if (good) good = check_path("'container.workdir'", request.container.workdir);
  SWEEP_ASSIGN(const auto mounts, parse_mounts(request.container.mounts));
  for (const Mount& mount : mounts) {
    if (good) good = check_path("source of a mount", mount.source);
    if (good) good = check_path("target of a mount", mount.target);
  }
  return good;
}

Expected<StepVariables> step_variables(const StepRequest& request, const StepAgent& agent) {
  const std::string inside = kInside;
  if (!agent.loader.starts_with("/usr/"))
    return fail("cannot run the agent in the image: its dynamic loader '" + printable(agent.loader) +
                "' is not in /usr; run the agent on the node (container: agent: node)");
  if (!agent.program.starts_with('/'))
    return fail(
        "cannot run the agent in the image: sweep-agent is neither next to sweepctl nor in PATH; install "
        "slurm-sweep");
  SWEEP_ASSIGN(const auto mounts, all_mounts(request, agent));
  StepVariables out{{"PYXIS_CONTAINER_IMAGE", request.container.image},
                    {"PYXIS_CONTAINER_MOUNTS", mounts},
                    {"PYXIS_CONTAINER_WORKDIR", request.container.workdir},
                    {"PYXIS_CONTAINER_WRITABLE", request.container.writable ? "1" : "0"},
                    {"PYXIS_CONTAINER_MOUNT_HOME", "0"},
                    {"PYXIS_CONTAINER_REMAP_ROOT", "0"},
                    {"PYXIS_CONTAINER_ENTRYPOINT", "0"},
                    {SWEEP_ENV_LOADER, inside + agent.loader},
                    {SWEEP_ENV_AGENT, inside + "/bin" + agent.program.substr(agent.program.rfind('/'))}};
  // Pyxis rejects an empty list.
  const auto& names = request.container.names;
  if (!names.empty()) out.emplace_back("PYXIS_CONTAINER_ENV", join(names, ","));
  for (const auto& [name, value] : out) {
    if (value.size() > kMaxVariable)
      return fail(
          "too many mounts or variables for pyxis: " + name + " would have " + std::to_string(value.size()) +
          " characters, at most " + std::to_string(kMaxVariable) +
          " are possible; mount a common parent directory, or run the agent on the node (container: agent: "
          "node)");
  }
  return out;
}

std::vector<std::string> agent_inside(const StepVariables& variables) {
  const std::string loader = value_of(variables, SWEEP_ENV_LOADER);
  return {loader, "--library-path", folder_of(loader), value_of(variables, SWEEP_ENV_AGENT)};
}

}  // namespace sweep::container
