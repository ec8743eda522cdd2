// container/core/start: the complete command lines and environments of all runtimes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/core/start.hpp"
#include "util/text.hpp"

namespace sweep::container {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Words = std::vector<std::string>;

const Words kEnvironment = {"PATH=/usr/bin",   "HOME=/home/u", "MODEL=m",
                            "HF_TOKEN=secret", "OTHER=x",      "CUDA_VISIBLE_DEVICES=2,3"};

ContainerFolders folders_for(Runtime runtime) {
  ContainerFolders out{"/s/tmp", "", "", "1000:1001", {}, ""};
  if (needs_shm(runtime)) out.shm = "/dev/shm/s";
  if (runtime == Runtime::Bwrap || runtime == Runtime::Enroot) out.root = "/s/a.root";
  if (runtime == Runtime::Enroot) out.rc = "/s/rc";
  return out;
}

StartRequest request(Runtime runtime) {
  StartRequest out;
  out.runtime = runtime;
  out.tool = "/bin/" + std::string(program_of(runtime));
  out.name = "sweep-1";
  out.argv = {"bash", "run me.sh"};
  out.workspace = "/home/u/ws";
  out.job = "7";
  out.node = "n1";
  const bool registry = runtime == Runtime::Docker || runtime == Runtime::Podman;
  out.container.image = registry ? "docker.io/a/b:1" : "/raid/squash/a.sqsh";
  out.container.workdir = "/workspace/";
  out.container.names = {"CUDA_VISIBLE_DEVICES", "HF_TOKEN", "MODEL"};
  return out;
}

Command command_of(const StartRequest& of, const Words& environment = kEnvironment) {
  return start_command(of, folders_for(of.runtime), environment);
}

std::string line(const StartRequest& of) {
  return join(command_of(of).argv, " ");
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
  const auto at = text.find(what);
  return at == std::string::npos ? text : text.replace(at, what.size(), by);
}

// ---- every runtime with every setting

// The shell that all runtimes but bubblewrap start, and the command.
const std::string kShell =
    "/bin/sh -c cd -- \"$0\" && { command -v \"$1\" >/tmp/.slurm-sweep && rm -f /tmp/.slurm-sweep; exec \"$@\"; } "
    "/workspace/ bash run me.sh";
const std::string kDockerRest =
    "--volume /s/tmp:/tmp --volume /home/u/ws:/workspace/{mount} --env CUDA_VISIBLE_DEVICES --env HF_TOKEN --env MODEL "
    "{user-env}--env HOME=/tmp --workdir /workspace/ --entrypoint  docker.io/a/b:1 " +
    kShell;

// The command line of a runtime, and what stands in place of {writable}, {shm}, {gpus} and {mount}.
struct RuntimeLine {
  Runtime runtime;
  std::string line;
  std::string writable, read_only;
  std::string shm_16g, shm_default;
  std::string nvidia, amd;
  std::string mount_ro, mount_rw;  // of /models at /models
};

const std::vector<RuntimeLine>& runtime_lines() {
  static const std::string kNoShm = " --mount type=tmpfs,destination=/dev/shm,tmpfs-mode=1777";
  static const std::vector<RuntimeLine> kLines = {
      {Runtime::Bwrap,
       "/bin/bwrap --die-with-parent --unshare-pid --unshare-ipc --json-status-fd 3 --bind /s/a.root / "
       "--dev-bind /dev /dev --tmpfs /dev/shm --proc /proc --ro-bind /sys /sys "
       "--ro-bind-try /etc/resolv.conf /etc/resolv.conf --ro-bind-try /etc/hosts /etc/hosts "
       "--ro-bind-try /etc/passwd /etc/passwd --ro-bind-try /etc/group /etc/group --bind /s/tmp /tmp --tmpfs /run "
       "--bind /home/u/ws /workspace/{mount}{writable} --chdir /workspace/ -- bash run me.sh",
       "", " --remount-ro /", "", "", "", "", " --ro-bind /models /models", " --bind /models /models"},
      {Runtime::Enroot,
       "/bin/enroot start{writable} --rc /s/rc --mount /s/tmp:/tmp:x-create=dir,rbind,rw "
       "--mount /home/u/ws:/workspace/:x-create=dir,rbind,rw{mount} "
       "--mount tmpfs:/dev/shm:tmpfs:x-create=dir,rw,nosuid,nodev,mode=1777{shm} "
       "--env CUDA_VISIBLE_DEVICES --env HF_TOKEN --env MODEL --env HOME=/tmp a.root " +
           kShell,
       " --rw", "", ",size=16g", "", "", "", " --mount /models:/models:x-create=dir,rbind,ro",
       " --mount /models:/models:x-create=dir,rbind,rw"},
      {Runtime::Pyxis,
       "/bin/srun --quiet --overlap --nodes=1 --ntasks=1 --export=ALL --job-name=sweep-1 --jobid=7 --nodelist=n1 "
       "--kill-on-bad-exit=1 --container-image=/raid/squash/a.sqsh "
       "--container-mounts=/s/tmp:/tmp,/home/u/ws:/workspace/{mount},tmpfs:/dev/shm:mode=1777{shm} "
       "--container-workdir=/workspace/ --no-container-mount-home --no-container-remap-root "
       "--no-container-entrypoint {writable} --container-env=CUDA_VISIBLE_DEVICES,HF_TOKEN,MODEL "
       "env HOME=/tmp CUDA_VISIBLE_DEVICES=2,3 " +
           kShell,
       "--container-writable", "--container-readonly", "+size=16g", "", "", "", ",/models:/models:ro",
       ",/models:/models"},
      {Runtime::Apptainer,
       "/bin/apptainer exec --cleanenv --containall --no-home --no-init{writable}{gpus} --bind /s/tmp:/tmp "
       "--bind /dev/shm/s:/dev/shm --bind /home/u/ws:/workspace/{mount} --pwd /workspace/ /raid/squash/a.sqsh " +
           kShell,
       " --writable-tmpfs", "", "", "", " --nv", " --rocm", " --bind /models:/models:ro",
       " --bind /models:/models"},
      {Runtime::Podman,
       "/bin/podman run --rm --init --name sweep-1 --network host --ipc private{shm} "
       "--security-opt label=disable --log-driver none{writable}{gpus} " +
           replaced(kDockerRest, "{user-env}", ""),
       "", " --read-only", " --shm-size 16g", kNoShm, " --device nvidia.com/gpu=all",
       " --device /dev/kfd --device /dev/dri --group-add video", " --volume /models:/models:ro",
       " --volume /models:/models"},
      {Runtime::Docker,
       "/bin/docker run --rm --init --name sweep-1 --network host --ipc private{shm} "
       "--user 1000:1001 --log-driver none{writable}{gpus} " +
           replaced(kDockerRest, "{user-env}", "--env USER --env LOGNAME "),
       "", " --read-only", " --shm-size 16g", kNoShm, " --gpus all",
       " --device /dev/kfd --device /dev/dri --group-add video", " --volume /models:/models:ro",
       " --volume /models:/models"}};
  return kLines;
}

TEST(Start, EveryRuntimeHasTheWholeCommandLineForEverySetting) {
  for (const RuntimeLine& row : runtime_lines()) {
    for (const bool writable : {true, false}) {
      for (const std::string shm : {"", "16g"}) {
        for (const std::string gpus : {"", "nvidia", "amd"}) {
          for (const std::string mount : {"", "/models:/models:ro", "/models:/models"}) {
            auto of = request(row.runtime);
            of.gpus = gpus;
            of.container.writable = writable;
            of.container.shm_size = shm;
            if (!mount.empty()) of.container.mounts = {mount};
            std::string expected = replaced(row.line, "{writable}", writable ? row.writable : row.read_only);
            expected = replaced(expected, "{shm}", shm.empty() ? row.shm_default : row.shm_16g);
            expected = replaced(expected, "{gpus}", gpus == "amd" ? row.amd : gpus.empty() ? "" : row.nvidia);
            expected = replaced(expected, "{mount}",
                                mount.ends_with(":ro") ? row.mount_ro
                                : mount.empty()        ? ""
                                                       : row.mount_rw);
            EXPECT_EQ(line(of), expected) << runtime_word(row.runtime);
          }
        }
      }
    }
  }
}

TEST(Start, EveryRuntimeHasTheWholeCommandForEverySignal) {
  struct Row {
    Runtime runtime;
    int signal;
    Words words;
  };
  const std::string kScancel =
      "squeue --steps --noheader --jobs=\"$1\" --format='%i %j' | while read -r id name; do [ \"$name\" != \"$2\" ] || "
      "scancel --signal=\"$3\" \"$id\"; done";
  const Row rows[] = {
      {Runtime::Bwrap, 15, {}},
      {Runtime::Bwrap, 9, {}},
      {Runtime::Enroot, 15, {}},
      {Runtime::Enroot, 9, {}},
      {Runtime::Apptainer, 15, {}},
      {Runtime::Apptainer, 9, {}},
      {Runtime::Pyxis, 15, {"/bin/sh", "-c", kScancel, "sh", "7", "sweep-1", "15"}},
      {Runtime::Pyxis, 9, {"/bin/sh", "-c", kScancel, "sh", "7", "sweep-1", "9"}},
      {Runtime::Podman, 15, {"/bin/podman", "kill", "--signal", "15", "sweep-1"}},
      {Runtime::Podman, 9, {"/bin/podman", "rm", "--force", "--time", "0", "sweep-1"}},
      {Runtime::Docker, 15, {"/bin/docker", "kill", "--signal", "15", "sweep-1"}},
      {Runtime::Docker, 9, {"/bin/docker", "rm", "--force", "sweep-1"}},
  };
  for (const Row& row : rows)
    EXPECT_EQ(signal_command(request(row.runtime), row.signal), row.words)
        << runtime_word(row.runtime) << " " << row.signal;
}

TEST(Start, OptionsOfTheProfileComeLastBeforeTheImageOrTheCommand) {
  const auto with_options = [](Runtime runtime) {
    auto of = request(runtime);
    of.container.options = {"--ulimit", "memlock=-1"};
    return line(of);
  };
  EXPECT_THAT(with_options(Runtime::Bwrap), HasSubstr(" --ulimit memlock=-1 --chdir /workspace/ -- bash"));
  EXPECT_THAT(with_options(Runtime::Enroot), HasSubstr(" --ulimit memlock=-1 a.root /bin/sh"));
  EXPECT_THAT(with_options(Runtime::Pyxis), HasSubstr(" --ulimit memlock=-1 env HOME=/tmp"));
  EXPECT_THAT(with_options(Runtime::Apptainer), HasSubstr(" --ulimit memlock=-1 --pwd /workspace/ /raid"));
  EXPECT_THAT(with_options(Runtime::Podman), HasSubstr(" --ulimit memlock=-1 docker.io/a/b:1 "));
  EXPECT_THAT(with_options(Runtime::Docker), HasSubstr(" --ulimit memlock=-1 docker.io/a/b:1 "));
}

// ---- one runtime each

TEST(Start, BwrapPassesOnlyTheImagesAndTheNamedVariables) {
  auto of = request(Runtime::Bwrap);
  of.image_variables = {"PATH=/opt/bin", "MODEL=of the image", "HOME=/root"};
  EXPECT_THAT(
      command_of(of).environment,
      ElementsAre("MODEL=m", "HF_TOKEN=secret", "CUDA_VISIBLE_DEVICES=2,3", "PATH=/opt/bin", "HOME=/tmp"));
}

TEST(Start, EnrootFindsTheUnpackedImage) {
  EXPECT_THAT(command_of(request(Runtime::Enroot)).environment,
              AllOf(Contains("ENROOT_DATA_PATH=/s"), Contains("HOME=/home/u")));
}

TEST(Start, PyxisPassesOnlyNamedVariablesAndThoseThatSrunAndEnrootNeed) {
  Words environment = kEnvironment;
  environment.insert(environment.end(),
                     {"XDG_DATA_HOME=/raid/u", "https_proxy=p", "LD_LIBRARY_PATH=/opt/lib"});
  const Command command = command_of(request(Runtime::Pyxis), environment);
  EXPECT_THAT(command.environment,
              ElementsAre("PATH=/usr/bin", "HOME=/home/u", "MODEL=m", "HF_TOKEN=secret",
                          "CUDA_VISIBLE_DEVICES=2,3", "XDG_DATA_HOME=/raid/u", "https_proxy=p"));
  EXPECT_THAT(join(command.argv, " "),
              HasSubstr(" env -u XDG_DATA_HOME -u https_proxy HOME=/tmp CUDA_VISIBLE_DEVICES=2,3 /bin/sh "));
}

TEST(Start, PyxisKeepsAProxyVariableThatTheProfileNames) {
  auto of = request(Runtime::Pyxis);
  of.container.names.push_back("https_proxy");
  Words environment = kEnvironment;
  environment.insert(environment.end(), {"http_proxy=q", "https_proxy=p"});
  const Command command = command_of(of, environment);
  EXPECT_THAT(command.argv, Contains("--container-env=CUDA_VISIBLE_DEVICES,HF_TOKEN,MODEL,https_proxy"));
  EXPECT_THAT(join(command.argv, " "),
              HasSubstr(" env -u http_proxy HOME=/tmp CUDA_VISIBLE_DEVICES=2,3 /bin/sh "));
  EXPECT_THAT(command.environment, AllOf(Contains("https_proxy=p"), Contains("http_proxy=q")));
}

TEST(Start, PyxisIsNotBoundToASingleCpu) {
  Words environment = kEnvironment;
  environment.push_back("SLURM_CPU_BIND=quiet,mask_cpu:0x1");
  EXPECT_THAT(command_of(request(Runtime::Pyxis), environment).argv, Contains("--cpu-bind=none"));
  EXPECT_THAT(command_of(request(Runtime::Pyxis)).argv, Not(Contains("--cpu-bind=none")));
}

TEST(Start, ApptainerPassesNamedVariablesThroughItsEnvironment) {
  const auto environment = command_of(request(Runtime::Apptainer)).environment;
  EXPECT_THAT(environment,
              AllOf(Contains("APPTAINERENV_HF_TOKEN=secret"), Contains("APPTAINERENV_HOME=/tmp")));
  EXPECT_THAT(environment, Not(Contains("APPTAINERENV_OTHER=x")));
}

TEST(Start, PodmanRunsADirectoryWithAnOverlay) {
  auto of = request(Runtime::Podman);
  of.container.image = "/images/a";
  EXPECT_THAT(line(of), HasSubstr(" --rootfs /images/a:O /bin/sh"));
}

TEST(Start, DockerGetsTheUsersGroups) {
  ContainerFolders folders = folders_for(Runtime::Docker);
  folders.groups = {"44", "2001"};
  EXPECT_THAT(join(start_command(request(Runtime::Docker), folders, kEnvironment).argv, " "),
              HasSubstr(" --log-driver none --group-add 44 --group-add 2001 "));
}

TEST(Start, NoSecretIsOnAnyCommandLine) {
  for (const Runtime runtime : kAutoOrder)
    EXPECT_THAT(line(request(runtime)), Not(HasSubstr("secret"))) << runtime_word(runtime);
}

}  // namespace
}  // namespace sweep::container
