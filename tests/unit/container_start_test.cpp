// container/core/start: the command lines of the runtimes, to the word.
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

const Places kPlaces{"/s/tmp", "/dev/shm/s", "", "1000:1001", {}, ""};
const std::vector<std::string> kEnvironment = {"PATH=/usr/bin",   "HOME=/home/u", "MODEL=m",
                                               "HF_TOKEN=secret", "OTHER=x",      "CUDA_VISIBLE_DEVICES=2,3"};

StartRequest request(Runtime runtime) {
  StartRequest out;
  out.runtime = runtime;
  out.tool = "/bin/" + std::string(program_of(runtime));
  out.image = "/raid/squash/a.sqsh";
  out.name = "sweep-1";
  out.argv = {"bash", "run me.sh"};
  out.workspace = "/home/u/ws";
  out.workdir = "/workspace/";
  out.mounts = {{"/raid/hub", "/mnt/hf_hub_cache/", false}, {"/models", "/models", true}};
  out.names = {"CUDA_VISIBLE_DEVICES", "HF_TOKEN", "MODEL"};
  out.gpus = "nvidia";
  out.job = "7";
  out.node = "n1";
  return out;
}

// What all but bubblewrap start, and it the command.
const std::string kShell =
    "/bin/sh -c cd -- \"$0\" && { command -v \"$1\" >/tmp/.slurm-sweep && rm -f /tmp/.slurm-sweep; exec "
    "\"$@\"; } "
    "/workspace/ bash run me.sh";

std::string line(const StartRequest& of, Places places = kPlaces) {
  return join(start_command(of, places, kEnvironment).argv, " ");
}

TEST(Start, Bwrap) {
  auto of = request(Runtime::Bwrap);
  Places places = kPlaces;
  places.root = "/s/root";
  places.shm.clear();
  EXPECT_EQ(
      line(of, places),
      "/bin/bwrap --die-with-parent --unshare-pid --unshare-ipc --json-status-fd 3 --bind /s/root / "
      "--dev-bind /dev /dev --tmpfs /dev/shm --proc /proc --ro-bind /sys /sys --ro-bind-try /etc/resolv.conf "
      "/etc/resolv.conf --ro-bind-try /etc/hosts /etc/hosts --ro-bind-try /etc/passwd /etc/passwd "
      "--ro-bind-try "
      "/etc/group /etc/group --bind /s/tmp /tmp --tmpfs /run --bind /home/u/ws /workspace/ --bind /raid/hub "
      "/mnt/hf_hub_cache/ --ro-bind /models /models --chdir /workspace/ -- bash run me.sh");
}

TEST(Start, BwrapGivesTheImagesVariablesAndTheNamedOnesAlone) {
  auto of = request(Runtime::Bwrap);
  of.of_image = {"PATH=/opt/bin", "MODEL=of the image", "HOME=/root"};
  EXPECT_THAT(
      start_command(of, kPlaces, kEnvironment).environment,
      ElementsAre("MODEL=m", "HF_TOKEN=secret", "CUDA_VISIBLE_DEVICES=2,3", "PATH=/opt/bin", "HOME=/tmp"));
}

TEST(Start, Enroot) {
  auto of = request(Runtime::Enroot);
  of.shm_size = "16g";
  Places places = kPlaces;
  places.root = "/s/a.root";
  places.rc = "/s/rc";
  places.shm.clear();
  EXPECT_EQ(
      line(of, places),
      "/bin/enroot start --rw --rc /s/rc --mount /s/tmp:/tmp:x-create=dir,rbind,rw --mount "
      "/home/u/ws:/workspace/:x-create=dir,rbind,rw --mount "
      "/raid/hub:/mnt/hf_hub_cache/:x-create=dir,rbind,rw "
      "--mount /models:/models:x-create=dir,rbind,ro --mount "
      "tmpfs:/dev/shm:tmpfs:x-create=dir,rw,nosuid,nodev,mode=1777,size=16g --env CUDA_VISIBLE_DEVICES --env "
      "HF_TOKEN --env MODEL --env HOME=/tmp a.root " +
          kShell);
  EXPECT_THAT(start_command(of, places, kEnvironment).environment,
              AllOf(Contains("ENROOT_DATA_PATH=/s"), Contains("HOME=/home/u")));
}

TEST(Start, Pyxis) {
  Places places = kPlaces;
  places.shm.clear();
  EXPECT_EQ(
      line(request(Runtime::Pyxis), places),
      "/bin/srun --quiet --overlap --nodes=1 --ntasks=1 --export=ALL --job-name=sweep-1 --jobid=7 "
      "--nodelist=n1 "
      "--kill-on-bad-exit=1 "
      "--container-image=/raid/squash/a.sqsh --container-mounts=/s/tmp:/tmp,/home/u/ws:/workspace/,"
      "/raid/hub:/mnt/hf_hub_cache/,/models:/models:ro,tmpfs:/dev/shm:mode=1777 "
      "--container-workdir=/workspace/ "
      "--no-container-mount-home --no-container-remap-root --no-container-entrypoint --container-writable "
      "--container-env=CUDA_VISIBLE_DEVICES,HF_TOKEN,MODEL env HOME=/tmp CUDA_VISIBLE_DEVICES=2,3 " +
          kShell);
}

TEST(Start, PyxisGivesNoOtherVariablesThanEnrootNeeds) {
  Words environment = kEnvironment;
  environment.insert(environment.end(),
                     {"XDG_DATA_HOME=/raid/u", "https_proxy=p", "LD_LIBRARY_PATH=/opt/lib"});
  const Command command = start_command(request(Runtime::Pyxis), kPlaces, environment);
  EXPECT_THAT(command.environment,
              ElementsAre("PATH=/usr/bin", "HOME=/home/u", "MODEL=m", "HF_TOKEN=secret",
                          "CUDA_VISIBLE_DEVICES=2,3", "XDG_DATA_HOME=/raid/u", "https_proxy=p"));
  EXPECT_THAT(join(command.argv, " "),
              HasSubstr(" env -u XDG_DATA_HOME -u https_proxy HOME=/tmp CUDA_VISIBLE_DEVICES=2,3 /bin/sh "));
}

TEST(Start, PyxisIsNotBoundToASingleCpu) {
  Words environment = kEnvironment;
  environment.push_back("SLURM_CPU_BIND=quiet,mask_cpu:0x1");
  EXPECT_THAT(start_command(request(Runtime::Pyxis), kPlaces, environment).argv, Contains("--cpu-bind=none"));
  EXPECT_THAT(start_command(request(Runtime::Pyxis), kPlaces, kEnvironment).argv,
              Not(Contains("--cpu-bind=none")));
}

TEST(Start, Apptainer) {
  auto of = request(Runtime::Apptainer);
  of.writable = false;
  EXPECT_EQ(line(of),
            "/bin/apptainer exec --cleanenv --containall --no-home --no-init --nv --bind /s/tmp:/tmp --bind "
            "/dev/shm/s:/dev/shm --bind /home/u/ws:/workspace/ --bind /raid/hub:/mnt/hf_hub_cache/ --bind "
            "/models:/models:ro --pwd /workspace/ /raid/squash/a.sqsh " +
                kShell);
  EXPECT_THAT(start_command(of, kPlaces, kEnvironment).environment, Contains("APPTAINERENV_HF_TOKEN=secret"));
  EXPECT_THAT(start_command(of, kPlaces, kEnvironment).environment, Not(Contains("APPTAINERENV_OTHER=x")));
}

TEST(Start, Podman) {
  auto of = request(Runtime::Podman);
  of.image = "docker.io/a/b:1";
  Places places = kPlaces;
  places.shm.clear();
  EXPECT_EQ(
      line(of, places),
      "/bin/podman run --rm --init --name sweep-1 --network host --ipc private --mount "
      "type=tmpfs,destination=/dev/shm,tmpfs-mode=1777 --security-opt label=disable --log-driver none "
      "--device nvidia.com/gpu=all --volume /s/tmp:/tmp --volume "
      "/home/u/ws:/workspace/ --volume /raid/hub:/mnt/hf_hub_cache/ --volume /models:/models:ro --env "
      "CUDA_VISIBLE_DEVICES --env HF_TOKEN --env MODEL --env HOME=/tmp --workdir /workspace/ --entrypoint  "
      "docker.io/a/b:1 " +
          kShell);
  of.image = "/images/a";
  EXPECT_THAT(line(of, places), HasSubstr(" --rootfs /images/a:O /bin/sh"));
}

TEST(Start, Docker) {
  auto of = request(Runtime::Docker);
  of.image = "docker.io/a/b:1";
  of.shm_size = "16g";
  of.writable = false;
  of.options = {"--ulimit", "memlock=-1"};
  Places places = kPlaces;
  places.groups = {"44", "2001"};
  places.shm.clear();
  EXPECT_EQ(line(of, places),
            "/bin/docker run --rm --init --name sweep-1 --network host --ipc private --shm-size 16g --user "
            "1000:1001 "
            "--log-driver none --group-add 44 --group-add 2001 --read-only --gpus all --volume /s/tmp:/tmp "
            "--volume /home/u/ws:/workspace/ "
            "--volume "
            "/raid/hub:/mnt/hf_hub_cache/ --volume /models:/models:ro --env CUDA_VISIBLE_DEVICES --env "
            "HF_TOKEN --env "
            "MODEL --env USER --env LOGNAME --env HOME=/tmp --workdir /workspace/ --entrypoint  --ulimit "
            "memlock=-1 docker.io/a/b:1 " +
                kShell);
  of.gpus = "amd";
  EXPECT_THAT(line(of, places), HasSubstr(" --device /dev/kfd --device /dev/dri --group-add video "));
}

TEST(Start, NoSecretIsOnAnyCommandLine) {
  for (const Runtime runtime : kAutoOrder)
    EXPECT_THAT(line(request(runtime)), Not(HasSubstr("secret"))) << runtime_word(runtime);
}

TEST(Start, WhatIsNoChildIsSignalledByCommand) {
  EXPECT_THAT(signal_command(request(Runtime::Docker), 9),
              ElementsAre("/bin/docker", "rm", "--force", "sweep-1"));
  EXPECT_THAT(signal_command(request(Runtime::Podman), 15),
              ElementsAre("/bin/podman", "kill", "--signal", "15", "sweep-1"));
  const auto pyxis = signal_command(request(Runtime::Pyxis), 15);
  EXPECT_THAT(join(pyxis, " "), HasSubstr("squeue --steps --noheader"));
  EXPECT_THAT(pyxis, Contains("sweep-1"));
  for (const Runtime runtime : {Runtime::Bwrap, Runtime::Enroot, Runtime::Apptainer})
    EXPECT_TRUE(signal_command(request(runtime), 9).empty());
}

}  // namespace
}  // namespace sweep::container
