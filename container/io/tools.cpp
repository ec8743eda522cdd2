#include "container/io/tools.hpp"

#include <unistd.h>

#include "util/environment.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

constexpr Millis kProbeTimeout{20'000};
constexpr const char* kInstallOrChoose =
    "; install it, or choose another runtime in the profile: container: { runtime: ... }";

std::string first_line(const std::string& text) {
  return clipped(printable(text.substr(0, text.find('\n'))), 100);
}

/// Returns a command that exits with status 0 if the runtime works.
std::vector<std::string> probe_command(Runtime runtime, const std::string& path) {
  switch (runtime) {
    case Runtime::Bwrap:
      return {path, "--unshare-pid", "--ro-bind", "/", "/", "--proc", "/proc", "/bin/true"};
    case Runtime::Podman:
    case Runtime::Docker:
      return {path, "info", "--format", "ok"};
    case Runtime::Pyxis:
      return {path, "--help"};
    default:
      return {path, "version"};
  }
}

std::vector<std::string> version_command(Runtime runtime, const std::string& path) {
  if (runtime == Runtime::Enroot || runtime == Runtime::Apptainer) return {path, "version"};
  return {path, "--version"};
}

std::string hint(Runtime runtime) {
  if (runtime == Runtime::Bwrap || runtime == Runtime::Enroot)
    return "; it needs user namespaces (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone)";
  if (runtime == Runtime::Docker)
    return "; its daemon must run, and this user must be allowed to use it (group docker)";
  return "";
}

Expected<Tool> try_program(Runtime runtime, const std::string& path,
                           const std::vector<std::string>& environment, const std::string& if_missing) {
  const std::string name(runtime_word(runtime));
  const auto ran = run_program(probe_command(runtime, path), {environment, kProbeTimeout});
  if (!ran) return fail(name + ": " + ran.error().message);
  if (!ran->ok()) return fail(name + " does not work here: " + how_it_ended(*ran) + hint(runtime));
  if (runtime == Runtime::Pyxis && ran->out.find("--container-image") == std::string::npos)
    return fail("pyxis is not installed: srun has no option --container-image" + if_missing);
  if (runtime == Runtime::Pyxis && look_up(environment, "SLURM_JOB_ID").value_or("").empty())
    return fail("pyxis needs a Slurm job; run inside srun, sbatch or salloc");
  Tool tool{runtime, path, ""};
  if (const auto version =
          run_program(version_command(runtime, path),
                      {.environment = environment, .limit = kProbeTimeout, .with_errors = false});
      version && version->ok())
    tool.version = first_line(version->out);
  if (runtime == Runtime::Enroot && !tool.version.starts_with("enroot"))
    tool.version = "enroot " + tool.version;
  if (runtime == Runtime::Pyxis) tool.version = "pyxis of " + tool.version;
  return tool;
}

}  // namespace

std::string find_program(const std::string& name, const std::vector<std::string>& environment) {
  std::string path = look_up(environment, "PATH").value_or("");
  if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
  for (const std::string& folder : split(path, ':')) {
    const std::string candidate = folder + "/" + name;
    if (folder.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

namespace {

/// Like try_runtime(), with `if_missing` at the end of the reason if the runtime is not installed.
Expected<Tool> try_named(Runtime runtime, const std::vector<std::string>& environment,
                         const std::string& if_missing) {
  const std::string name(program_of(runtime));
  const std::string path = find_program(name, environment);
  if (path.empty()) return fail(name + " is not in PATH" + if_missing);
  return try_program(runtime, path, environment, if_missing);
}

}  // namespace

Expected<Tool> try_runtime(Runtime runtime, const std::vector<std::string>& environment) {
  return try_named(runtime, environment, kInstallOrChoose);
}

Expected<Tool> first_working_runtime(const std::vector<std::string>& environment) {
  std::string why;
  for (const Runtime runtime : kAutoOrder) {
    auto tool = try_named(runtime, environment, "");
    if (tool) return tool;
    why += (why.empty() ? "" : "; ") + tool.error().message;
  }
  return fail("no container runtime works here: " + why +
              "; install one, or set container: { runtime: none } in the profile to run without containers");
}

}  // namespace sweep::container
