#include "container/core/start.hpp"

#include <algorithm>
#include <array>

#include "util/environment.hpp"
#include "util/text.hpp"

namespace sweep::container {

namespace {

using Words = std::vector<std::string>;

void add(Words& to, std::initializer_list<std::string> words) {
  to.insert(to.end(), words);
}

bool has(const Words& list, const std::string& word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

void add_all(Words& to, const Words& words) {
  to.insert(to.end(), words.begin(), words.end());
}

/// Returns the workspace and the profile's mounts. The workspace comes first because a mount may lie in it.
std::vector<Mount> profile_mounts(const StartRequest& request) {
  auto out = parse_mounts(request.container.mounts).value_or(std::vector<Mount>());
  out.insert(out.begin(), {request.workspace, request.container.workdir, false});
  return out;
}

/// Returns /tmp, /dev/shm and the profile's mounts.
std::vector<Mount> all_mounts(const StartRequest& request, const ContainerFolders& folders) {
  auto out = profile_mounts(request);
  if (!folders.shm.empty()) out.insert(out.begin(), {folders.shm, "/dev/shm", false});
  if (!folders.tmp.empty()) out.insert(out.begin(), {folders.tmp, "/tmp", false});
  return out;
}

/// Returns `option` followed by the size of /dev/shm; empty if the profile does not set the size.
std::string shm_option(const StartRequest& request, const std::string& option) {
  return request.container.shm_size.empty() ? "" : option + request.container.shm_size;
}

/// Returns the command wrapped in a shell that changes to the working directory (enroot has no option for
/// that) and maintains kStartMark.
Words shell_command(const StartRequest& request) {
  const std::string mark = "/tmp/" + std::string(kStartMark);
  Words out{"/bin/sh", "-c",
            "cd -- \"$0\" && { command -v \"$1\" >" + mark + " && rm -f " + mark + "; exec \"$@\"; }",
            request.container.workdir};
  add_all(out, request.argv);
  return out;
}

/// Returns the environment of a command under bubblewrap: the named variables and those of the image. PATH is
/// the image's, or the usual one.
Words bwrap_environment(const StartRequest& request, const Words& environment) {
  Words out, names{"HOME"};
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    if (!has(request.container.names, name) || has(names, name)) continue;
    names.push_back(name);
    out.push_back(entry);
  }
  for (const std::string& entry : request.image_variables) {
    const std::string name = variable_name(entry);
    if (has(names, name)) continue;
    names.push_back(name);
    out.push_back(entry);
  }
  if (!has(names, "PATH")) out.push_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  out.push_back("HOME=/tmp");
  return out;
}

Command bwrap(const StartRequest& request, const ContainerFolders& folders, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--json-status-fd",
             std::to_string(kStatusFd)});
  add(argv, {"--bind", folders.root, "/"});
  // The host's devices, because of its GPUs, but a private /dev/shm.
  add(argv,
      {"--dev-bind", "/dev", "/dev", "--tmpfs", "/dev/shm", "--proc", "/proc", "--ro-bind", "/sys", "/sys"});
  // Files that are needed to look up hosts and users.
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group"})
    add(argv, {"--ro-bind-try", file, file});
  add(argv, {"--bind", folders.tmp, "/tmp", "--tmpfs", "/run"});
  for (const Mount& mount : profile_mounts(request))
    add(argv, {mount.read_only ? "--ro-bind" : "--bind", mount.source, mount.target});
  // Last, because bubblewrap may have to create mount points in the root first.
  if (!request.container.writable) add(argv, {"--remount-ro", "/"});
  add_all(argv, request.container.options);
  add(argv, {"--chdir", request.container.workdir, "--"});
  add_all(argv, request.argv);
  out.environment = bwrap_environment(request, environment);
  return out;
}

Command enroot(const StartRequest& request, const ContainerFolders& folders, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "start"});
  if (request.container.writable) argv.push_back("--rw");
  if (!folders.rc.empty()) add(argv, {"--rc", folders.rc});
  for (const Mount& mount : all_mounts(request, folders))
    add(argv, {"--mount",
               mount.source + ":" + mount.target + ":x-create=dir,rbind," + (mount.read_only ? "ro" : "rw")});
  add(argv, {"--mount",
             "tmpfs:/dev/shm:tmpfs:x-create=dir,rw,nosuid,nodev,mode=1777" + shm_option(request, ",size=")});
  for (const std::string& name : request.container.names)
    add(argv, {"--env", name});
  add(argv, {"--env", "HOME=/tmp"});
  add_all(argv, request.container.options);
  const auto slash = folders.root.rfind('/');
  argv.push_back(folders.root.substr(slash + 1));
  add_all(argv, shell_command(request));
  out.environment = environment;
  out.environment.push_back("ENROOT_DATA_PATH=" + folders.root.substr(0, slash));
  return out;
}

/// Returns true if srun or enroot's hooks read the variable, apart from the variables of the step and the
/// image.
bool is_for_srun(const std::string& name) {
  constexpr std::array<std::string_view, 6> kNames = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.starts_with("NVIDIA_") ||
         name.starts_with("MELLANOX_");
}

/// Returns true if enroot reads the variable when pyxis starts it: the user's settings and the proxies for
/// registries.
bool is_for_enroot(const std::string& name) {
  return name.starts_with("ENROOT_") || name.starts_with("XDG_") || ascii_lower(name).ends_with("_proxy");
}

/// Returns the `env` command that runs in a container of pyxis before the command: it removes variables that
/// only enroot needs and sets those that srun or Slurm would set otherwise.
Words pyxis_env_command(const StartRequest& request, const Words& environment) {
  Words out{"env"}, own{"HOME=/tmp"};
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    const bool named = has(request.container.names, name);
    if (!named && is_for_enroot(name)) add(out, {"-u", name});
    // Slurm sets these to the GPUs of the step; the attempt may use only a part of them.
    if (named && names_gpus(name)) own.push_back(entry);
  }
  add_all(out, own);
  return out;
}

Command pyxis(const StartRequest& request, const ContainerFolders& folders, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "--quiet", "--overlap", "--nodes=1", "--ntasks=1", "--export=ALL",
             "--job-name=" + request.name});
  // Without this the new step would inherit the agent's CPU binding. Only if there is a binding: srun
  // complains about the option if tasks cannot be bound.
  const auto binds = [](const std::string& entry) { return variable_name(entry) == "SLURM_CPU_BIND"; };
  if (std::any_of(environment.begin(), environment.end(), binds)) argv.push_back("--cpu-bind=none");
  if (!request.job.empty()) argv.push_back("--jobid=" + request.job);
  if (!request.node.empty()) argv.push_back("--nodelist=" + request.node);
  Words mounts;
  for (const Mount& mount : all_mounts(request, folders))
    mounts.push_back(mount_text(mount));
  mounts.push_back("tmpfs:/dev/shm:mode=1777" + shm_option(request, "+size="));
  add(argv, {"--kill-on-bad-exit=1", "--container-image=" + request.container.image,
             "--container-mounts=" + join(mounts, ","), "--container-workdir=" + request.container.workdir,
             "--no-container-mount-home", "--no-container-remap-root", "--no-container-entrypoint",
             request.container.writable ? "--container-writable" : "--container-readonly",
             "--container-env=" + join(request.container.names, ",")});
  add_all(argv, request.container.options);
  add_all(argv, pyxis_env_command(request, environment));
  add_all(argv, shell_command(request));
  // srun passes its own environment on to the container.
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    if (has(request.container.names, name) || is_for_srun(name) || is_for_enroot(name))
      out.environment.push_back(entry);
  }
  return out;
}

Command apptainer(const StartRequest& request, const ContainerFolders& folders, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "exec", "--cleanenv", "--containall", "--no-home", "--no-init"});
  if (request.container.writable) argv.push_back("--writable-tmpfs");
  if (request.gpus == "nvidia") argv.push_back("--nv");
  if (request.gpus == "amd") argv.push_back("--rocm");
  for (const Mount& mount : all_mounts(request, folders))
    add(argv, {"--bind", mount_text(mount)});
  add_all(argv, request.container.options);
  add(argv, {"--pwd", request.container.workdir, request.container.image});
  add_all(argv, shell_command(request));
  // Apptainer passes on APPTAINERENV_NAME from its own environment, which other users cannot read.
  out.environment = environment;
  for (const std::string& entry : environment) {
    if (has(request.container.names, variable_name(entry)))
      out.environment.push_back("APPTAINERENV_" + entry);
  }
  out.environment.push_back("APPTAINERENV_HOME=/tmp");
  return out;
}

/// Docker and podman, whose options are nearly the same.
Command docker(const StartRequest& request, const ContainerFolders& folders, const Words& environment) {
  const bool podman = request.runtime == Runtime::Podman;
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "run", "--rm", "--init", "--name", request.name, "--network", "host", "--ipc",
             "private"});
  // Their default has 64 MB, which is too little for NCCL. A tmpfs without a size has the same size as with
  // the other runtimes.
  if (request.container.shm_size.empty()) {
    add(argv, {"--mount", "type=tmpfs,destination=/dev/shm,tmpfs-mode=1777"});
  } else {
    add(argv, {"--shm-size", request.container.shm_size});
  }
  // In rootless podman root is the user outside and may write to the image. In docker root is root.
  if (podman) {
    add(argv, {"--security-opt", "label=disable", "--log-driver", "none"});
  } else {
    add(argv, {"--user", folders.user, "--log-driver", "none"});
    for (const std::string& group : folders.groups)
      add(argv, {"--group-add", group});
  }
  if (!request.container.writable) argv.push_back("--read-only");
  if (request.gpus == "nvidia") {
    podman ? add(argv, {"--device", "nvidia.com/gpu=all"}) : add(argv, {"--gpus", "all"});
  } else if (request.gpus == "amd") {
    add(argv, {"--device", "/dev/kfd", "--device", "/dev/dri", "--group-add", "video"});
  }
  for (const Mount& mount : all_mounts(request, folders))
    add(argv, {"--volume", mount_text(mount)});
  for (const std::string& name : request.container.names)
    add(argv, {"--env", name});
  // The image's /etc/passwd does not list the user, so programs that look up its name would fail: Python's
  // getpass, and with it PyTorch's compiler.
  if (!podman) add(argv, {"--env", "USER", "--env", "LOGNAME"});
  add(argv, {"--env", "HOME=/tmp", "--workdir", request.container.workdir, "--entrypoint", ""});
  add_all(argv, request.container.options);
  if (podman && request.container.image.starts_with('/')) {
    add(argv, {"--rootfs", request.container.image + ":O"});
  } else {
    argv.push_back(request.container.image);
  }
  add_all(argv, shell_command(request));
  out.environment = environment;
  return out;
}

}  // namespace

Command start_command(const StartRequest& request, const ContainerFolders& folders,
                      const Words& environment) {
  switch (request.runtime) {
    case Runtime::Pyxis:
      return pyxis(request, folders, environment);
    case Runtime::Enroot:
      return enroot(request, folders, environment);
    case Runtime::Apptainer:
      return apptainer(request, folders, environment);
    case Runtime::Podman:
    case Runtime::Docker:
      return docker(request, folders, environment);
    case Runtime::Bwrap:
      return bwrap(request, folders, environment);
    case Runtime::None:
    case Runtime::Auto:
      break;
  }
  return {request.argv, environment};
}

Words signal_command(const StartRequest& request, int signal) {
  constexpr int kKill = 9;
  const std::string number = std::to_string(signal);
  if (request.runtime == Runtime::Docker || request.runtime == Runtime::Podman) {
    const bool podman = request.runtime == Runtime::Podman;
    if (signal == kKill && podman) return {request.tool, "rm", "--force", "--time", "0", request.name};
    if (signal == kKill) return {request.tool, "rm", "--force", request.name};
    return {request.tool, "kill", "--signal", number, request.name};
  }
  if (request.runtime != Runtime::Pyxis) return {};
  // Any signal to srun ends its step at once, so scancel is used. It needs the step's id, which is found by
  // the step's name.
  constexpr const char* kSignalStep =
      "squeue --steps --noheader --jobs=\"$1\" --format='%i %j' | while read -r id name; do "
      "[ \"$name\" != \"$2\" ] || scancel --signal=\"$3\" \"$id\"; done";
  return {"/bin/sh", "-c", kSignalStep, "sh", request.job, request.name, number};
}

bool uses_start_mark(Runtime runtime) {
  return runtime != Runtime::Bwrap;
}

bool needs_shm(Runtime runtime) {
  return runtime == Runtime::Apptainer;
}

bool was_set_up(const std::string& status) {
  return status.find("\"exit-code\"") != std::string::npos;
}

}  // namespace sweep::container
