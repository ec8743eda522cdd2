#include "agent/core/contained.hpp"

#include <algorithm>
#include <array>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

/// Variables of the agent's environment that any benchmark of the contract may need.
constexpr std::array<std::string_view, 4> kAlways = {"HF_TOKEN", "HF_HUB_CACHE", "RANDOM_RANGE_RATIO", "TZ"};

/// Returns the names of the variables that go into the container: the lease's, Slurm's, the contract's, and
/// those that the profile names.
std::vector<std::string> names_inside(const Setup& setup, const ContainerSpec& spec, const Inside& what) {
  std::vector<std::string> names{"PORT", "PORT_OFFSET", variable_name(mark_of(what.ref))};
  names.insert(names.end(), kAlways.begin(), kAlways.end());
  names.insert(names.end(), spec.names.begin(), spec.names.end());
  for (const auto& [name, value] : what.variables)
    names.push_back(name);
  for (const std::string& entry : setup.environment) {
    const std::string name = variable_name(entry);
    if ((name.starts_with("SLURM") && !is_internal(name)) || names_gpus(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string vendor(const Setup& setup) {
  if (setup.gpus.ids.empty()) return "";
  const bool amd = setup.gpus.variable.starts_with("ROCR") || setup.gpus.variable.starts_with("HIP");
  return amd ? "amd" : "nvidia";
}

/// Returns a container name that is unique on this node. It contains the agent's name, because another agent
/// may run an attempt with the same ref.
std::string container_name(const Setup& setup, const wire::AttemptRef& ref) {
  std::string name = "sweep-" + setup.hello.agent + "-" + ref.point + "-" + std::to_string(ref.attempt);
  std::replace_if(
      name.begin(), name.end(),
      [](char c) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           c == '.' || c == '-';
        return !plain;
      },
      '_');
  return name;
}

}  // namespace

Expected<container::StageRequest> stage_request(const Setup& setup, const ContainerSpec& spec) {
  const auto runtime = container::runtime_of(spec.runtime);
  if (!runtime || *runtime == container::Runtime::None)
    return fail(
        "unknown container runtime '" + printable(spec.runtime) + "'; known: " +
        join(std::vector<std::string>(container::kRuntimeWords.begin(), container::kRuntimeWords.end()),
             ", "));
  for (const std::string& text : spec.mounts) {
    if (const auto mount = container::parse_mount(text); !mount) return tl::unexpected(mount.error());
  }
  container::StageRequest request;
  request.runtime = *runtime;
  request.node = setup.hello.node;
  request.container = only_for(ContainerUse::Stage, spec);
  request.container.retries = std::min<std::int64_t>(spec.retries, 100);
  return request;
}

std::vector<std::string> contained_command(const Setup& setup, const ContainerSpec& spec,
                                           const container::Staged& staged, const Inside& what) {
  container::StartRequest request;
  request.runtime = staged.runtime;
  request.tool = staged.tool;
  request.image_variables = staged.environment;
  request.name = container_name(setup, what.ref);
  request.argv = what.argv;
  request.workspace = what.directory;
  request.container = only_for(ContainerUse::Start, spec);
  request.container.image = staged.image;
  request.container.names = names_inside(setup, spec, what);
  request.gpus = vendor(setup);
  request.job = setup.hello.job;
  request.node = setup.hello.node;
  return {setup.program, "--contain", container::to_text(request)};
}

std::string path_inside(const std::string& path, const std::string& directory, const std::string& workdir) {
  if (!path.starts_with(directory + "/")) return path;
  const std::string base = workdir.ends_with('/') ? workdir.substr(0, workdir.size() - 1) : workdir;
  return base + path.substr(directory.size());
}

}  // namespace sweep::agent
