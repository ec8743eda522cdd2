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

/// The workspace and the profile's mounts, in this order: a mount may lie in the workspace.
std::vector<Mount> all_mounts(const StartRequest& request) {
  std::vector<Mount> out{{request.workspace, request.workdir, false}};
  out.insert(out.end(), request.mounts.begin(), request.mounts.end());
  return out;
}

std::vector<Mount> with_places(const StartRequest& request, const Places& places) {
  auto out = all_mounts(request);
  if (!places.shm.empty()) out.insert(out.begin(), {places.shm, "/dev/shm", false});
  if (!places.tmp.empty()) out.insert(out.begin(), {places.tmp, "/tmp", false});
  return out;
}

std::string sized(const StartRequest& request, const std::string& option) {
  return request.shm_size.empty() ? "" : option + request.shm_size;
}

/// The command, by a shell that goes to where it runs, which enroot has no option for, and sees to
/// kStartMark.
Words by_shell(const StartRequest& request) {
  const std::string mark = "/tmp/" + std::string(kStartMark);
  Words out{"/bin/sh", "-c",
            "cd -- \"$0\" && { command -v \"$1\" >" + mark + " && rm -f " + mark + "; exec \"$@\"; }",
            request.workdir};
  out.insert(out.end(), request.argv.begin(), request.argv.end());
  return out;
}

/// Only the image's variables and those that are named. PATH comes from the image, or is the usual one.
Words inside(const StartRequest& request, const Words& environment) {
  Words out, names{"HOME"};
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    if (!has(request.names, name) || has(names, name)) continue;
    names.push_back(name);
    out.push_back(entry);
  }
  for (const std::string& entry : request.of_image) {
    const std::string name = variable_name(entry);
    if (has(names, name)) continue;
    names.push_back(name);
    out.push_back(entry);
  }
  if (!has(names, "PATH")) out.push_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
  out.push_back("HOME=/tmp");
  return out;
}

Command bwrap(const StartRequest& request, const Places& places, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "--die-with-parent", "--unshare-pid", "--unshare-ipc", "--json-status-fd",
             std::to_string(kStatusFd)});
  add(argv, {"--bind", places.root, "/"});
  // The host's devices, for its GPUs; a /dev/shm of its own.
  add(argv,
      {"--dev-bind", "/dev", "/dev", "--tmpfs", "/dev/shm", "--proc", "/proc", "--ro-bind", "/sys", "/sys"});
  // How to look up names and users.
  for (const char* file : {"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group"})
    add(argv, {"--ro-bind-try", file, file});
  add(argv, {"--bind", places.tmp, "/tmp", "--tmpfs", "/run"});
  for (const Mount& mount : all_mounts(request))
    add(argv, {mount.read_only ? "--ro-bind" : "--bind", mount.source, mount.target});
  // Only now: places to mount at may have had to be made.
  if (!request.writable) add(argv, {"--remount-ro", "/"});
  argv.insert(argv.end(), request.options.begin(), request.options.end());
  add(argv, {"--chdir", request.workdir, "--"});
  argv.insert(argv.end(), request.argv.begin(), request.argv.end());
  out.environment = inside(request, environment);
  return out;
}

Command enroot(const StartRequest& request, const Places& places, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "start"});
  if (request.writable) argv.push_back("--rw");
  if (!places.rc.empty()) add(argv, {"--rc", places.rc});
  for (const Mount& mount : with_places(request, places))
    add(argv, {"--mount",
               mount.source + ":" + mount.target + ":x-create=dir,rbind," + (mount.read_only ? "ro" : "rw")});
  add(argv,
      {"--mount", "tmpfs:/dev/shm:tmpfs:x-create=dir,rw,nosuid,nodev,mode=1777" + sized(request, ",size=")});
  for (const std::string& name : request.names)
    add(argv, {"--env", name});
  add(argv, {"--env", "HOME=/tmp"});
  argv.insert(argv.end(), request.options.begin(), request.options.end());
  const auto slash = places.root.rfind('/');
  argv.push_back(places.root.substr(slash + 1));
  const Words command = by_shell(request);
  argv.insert(argv.end(), command.begin(), command.end());
  out.environment = environment;
  out.environment.push_back("ENROOT_DATA_PATH=" + places.root.substr(0, slash));
  return out;
}

/// What srun looks at, and what enroot's hooks do, beside the variables of the step and the image.
bool of_srun(const std::string& name) {
  constexpr std::array<std::string_view, 6> kNames = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() || name.starts_with("NVIDIA_") ||
         name.starts_with("MELLANOX_");
}

/// What enroot looks at when pyxis starts it: the user's settings, and how to reach registries.
bool of_enroot(const std::string& name) {
  return name.starts_with("ENROOT_") || name.starts_with("XDG_") || ascii_lower(name).ends_with("_proxy");
}

/// Before the command in a container of pyxis: what is to be otherwise than srun or Slurm has it.
Words pyxis_changes(const StartRequest& request, const Words& environment) {
  Words out{"env"}, own{"HOME=/tmp"};
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    const bool named = has(request.names, name);
    if (!named && of_enroot(name)) add(out, {"-u", name});
    // Slurm sets these for the step; what the attempt has is a part of it.
    if (named && names_gpus(name)) own.push_back(entry);
  }
  out.insert(out.end(), own.begin(), own.end());
  return out;
}

Command pyxis(const StartRequest& request, const Places& places, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "--quiet", "--overlap", "--nodes=1", "--ntasks=1", "--export=ALL",
             "--job-name=" + request.name});
  // To what the agent is bound, a step of its own would be too. Where tasks cannot be bound, srun complains.
  const auto binds = [](const std::string& entry) { return variable_name(entry) == "SLURM_CPU_BIND"; };
  if (std::any_of(environment.begin(), environment.end(), binds)) argv.push_back("--cpu-bind=none");
  if (!request.job.empty()) argv.push_back("--jobid=" + request.job);
  if (!request.node.empty()) argv.push_back("--nodelist=" + request.node);
  Words mounts;
  for (const Mount& mount : with_places(request, places))
    mounts.push_back(mount_text(mount));
  mounts.push_back("tmpfs:/dev/shm:mode=1777" + sized(request, "+size="));
  add(argv, {"--kill-on-bad-exit=1", "--container-image=" + request.image,
             "--container-mounts=" + join(mounts, ","), "--container-workdir=" + request.workdir,
             "--no-container-mount-home", "--no-container-remap-root", "--no-container-entrypoint",
             request.writable ? "--container-writable" : "--container-readonly",
             "--container-env=" + join(request.names, ",")});
  argv.insert(argv.end(), request.options.begin(), request.options.end());
  for (const Words& words : {pyxis_changes(request, environment), by_shell(request)})
    argv.insert(argv.end(), words.begin(), words.end());
  // What srun has goes inside.
  for (const std::string& entry : environment) {
    const std::string name = variable_name(entry);
    if (has(request.names, name) || of_srun(name) || of_enroot(name)) out.environment.push_back(entry);
  }
  return out;
}

Command apptainer(const StartRequest& request, const Places& places, const Words& environment) {
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "exec", "--cleanenv", "--containall", "--no-home", "--no-init"});
  if (request.writable) argv.push_back("--writable-tmpfs");
  if (request.gpus == "nvidia") argv.push_back("--nv");
  if (request.gpus == "amd") argv.push_back("--rocm");
  for (const Mount& mount : with_places(request, places))
    add(argv, {"--bind", mount_text(mount)});
  argv.insert(argv.end(), request.options.begin(), request.options.end());
  add(argv, {"--pwd", request.workdir, request.image});
  const Words command = by_shell(request);
  argv.insert(argv.end(), command.begin(), command.end());
  // By name alone they can be handed over in its own environment, where other users do not see them.
  out.environment = environment;
  for (const std::string& entry : environment) {
    if (has(request.names, variable_name(entry))) out.environment.push_back("APPTAINERENV_" + entry);
  }
  out.environment.push_back("APPTAINERENV_HOME=/tmp");
  return out;
}

/// Docker and podman, which agree on nearly everything.
Command docker(const StartRequest& request, const Places& places, const Words& environment) {
  const bool podman = request.runtime == Runtime::Podman;
  Command out;
  Words& argv = out.argv;
  add(argv, {request.tool, "run", "--rm", "--init", "--name", request.name, "--network", "host", "--ipc",
             "private"});
  // Their own has 64 MB, too little for NCCL; a tmpfs of no size is as large as with the other runtimes.
  if (request.shm_size.empty()) {
    add(argv, {"--mount", "type=tmpfs,destination=/dev/shm,tmpfs-mode=1777"});
  } else {
    add(argv, {"--shm-size", request.shm_size});
  }
  // Rootless podman's root is the user outside, and may write to the image; docker's is root.
  if (podman) {
    add(argv, {"--security-opt", "label=disable", "--log-driver", "none"});
  } else {
    add(argv, {"--user", places.user, "--log-driver", "none"});
    for (const std::string& group : places.groups)
      add(argv, {"--group-add", group});
  }
  if (!request.writable) argv.push_back("--read-only");
  if (request.gpus == "nvidia") {
    podman ? add(argv, {"--device", "nvidia.com/gpu=all"}) : add(argv, {"--gpus", "all"});
  } else if (request.gpus == "amd") {
    add(argv, {"--device", "/dev/kfd", "--device", "/dev/dri", "--group-add", "video"});
  }
  for (const Mount& mount : with_places(request, places))
    add(argv, {"--volume", mount_text(mount)});
  for (const std::string& name : request.names)
    add(argv, {"--env", name});
  // The image's list of users has no such one, and programs that ask for its name fail: Python's getpass, and
  // with it PyTorch's compiler.
  if (!podman) add(argv, {"--env", "USER", "--env", "LOGNAME"});
  add(argv, {"--env", "HOME=/tmp", "--workdir", request.workdir, "--entrypoint", ""});
  argv.insert(argv.end(), request.options.begin(), request.options.end());
  if (podman && request.image.starts_with('/')) {
    add(argv, {"--rootfs", request.image + ":O"});
  } else {
    argv.push_back(request.image);
  }
  const Words command = by_shell(request);
  argv.insert(argv.end(), command.begin(), command.end());
  out.environment = environment;
  return out;
}

}  // namespace

Command start_command(const StartRequest& request, const Places& places, const Words& environment) {
  switch (request.runtime) {
    case Runtime::Pyxis:
      return pyxis(request, places, environment);
    case Runtime::Enroot:
      return enroot(request, places, environment);
    case Runtime::Apptainer:
      return apptainer(request, places, environment);
    case Runtime::Podman:
    case Runtime::Docker:
      return docker(request, places, environment);
    case Runtime::Bwrap:
      return bwrap(request, places, environment);
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
  // Srun ends its step at once when it is signalled, whatever the signal; and a step knows no name but in
  // this list.
  return {"/bin/sh",
          "-c",
          "squeue --steps --noheader --jobs=\"$1\" --format='%i %j' | while read -r id name; do "
          "[ \"$name\" != \"$2\" ] || scancel --signal=\"$3\" \"$id\"; done",
          "sh",
          request.job,
          request.name,
          number};
}

bool tells_by_mark(Runtime runtime) {
  return runtime != Runtime::Bwrap;
}

bool needs_shm(Runtime runtime) {
  return runtime == Runtime::Apptainer;
}

bool was_set_up(const std::string& status) {
  return status.find("\"exit-code\"") != std::string::npos;
}

}  // namespace sweep::container
