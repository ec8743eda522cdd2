// container/core/step: the variables for pyxis if the agents run inside the image.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "container/core/step.hpp"

namespace sweep::container {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

const StepAgent kAgent{
    "/opt/sweep/bin/sweep-agent", "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", {"/tmp", "/run/munge"}};

StepRequest request() {
  StepRequest out;
  out.container.image = "nvcr.io#nvidia/tensorrt-llm/release:1";
  out.workspace = "/home/u/ws";
  out.container.workdir = "/workspace/";
  out.container.mounts = {"/raid/hub:/mnt/hf_hub_cache/", "/models:/models:ro"};
  out.container.names = {"HF_TOKEN", "TZ"};
  return out;
}

TEST(Step, VariablesForPyxisAndThePluginAreComplete) {
  const auto variables = step_variables(request(), kAgent);
  ASSERT_TRUE(variables);
  EXPECT_THAT(
      *variables,
      ElementsAre(
          Pair("PYXIS_CONTAINER_IMAGE", "nvcr.io#nvidia/tensorrt-llm/release:1"),
          Pair("PYXIS_CONTAINER_MOUNTS",
               "/usr:/run/slurm-sweep/usr:ro,/opt/sweep/bin:/run/slurm-sweep/bin:ro,/tmp:/tmp,"
               "/run/munge:/run/munge,tmpfs:/dev/shm:mode=1777,/home/u/ws:/workspace/,"
               "/raid/hub:/mnt/hf_hub_cache/,/models:/models:ro"),
          Pair("PYXIS_CONTAINER_WORKDIR", "/workspace/"), Pair("PYXIS_CONTAINER_WRITABLE", "1"),
          Pair("PYXIS_CONTAINER_MOUNT_HOME", "0"), Pair("PYXIS_CONTAINER_REMAP_ROOT", "0"),
          Pair("PYXIS_CONTAINER_ENTRYPOINT", "0"),
          Pair("SLURM_SWEEP_LOADER", "/run/slurm-sweep/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
          Pair("SLURM_SWEEP_AGENT", "/run/slurm-sweep/bin/sweep-agent"),
          Pair("PYXIS_CONTAINER_ENV", "HF_TOKEN,TZ")));
  EXPECT_THAT(agent_inside(*variables),
              ElementsAre("/run/slurm-sweep/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "--library-path",
                          "/run/slurm-sweep/usr/lib/x86_64-linux-gnu", "/run/slurm-sweep/bin/sweep-agent"));
}

TEST(Step, ReadOnlyImageAndMemorySizeArePassedOn) {
  auto of = request();
  of.container.writable = false;
  of.container.shm_size = "16g";
  const auto variables = step_variables(of, kAgent);
  ASSERT_TRUE(variables);
  EXPECT_THAT(*variables, testing::Contains(Pair("PYXIS_CONTAINER_WRITABLE", "0")));
  EXPECT_THAT((*variables)[1].second, HasSubstr(",tmpfs:/dev/shm:mode=1777+size=16g,"));
}

TEST(Step, EmptyListOfNamesIsLeftOut) {
  auto of = request();
  of.container.names.clear();
  const auto variables = step_variables(of, kAgent);
  ASSERT_TRUE(variables);
  EXPECT_THAT(*variables, testing::Not(testing::Contains(Pair("PYXIS_CONTAINER_ENV", testing::_))));
}

TEST(Step, PathsThatPyxisCannotMountAreNamed) {
  const auto says = [](const StepRequest& of, const StepAgent& agent) {
    const auto variables = step_variables(of, agent);
    return variables ? std::string() : variables.error().message;
  };
  for (const char* folder :
       {"/data/run,a", "/data/a:b", "/data/a b", "/data/a\nset X=y", "/data/a\"b", "/data/\\040"}) {
    auto of = request();
    of.workspace = folder;
    EXPECT_THAT(says(of, kAgent), HasSubstr("(the workspace)")) << folder;
    of = request();
    of.container.mounts.push_back(std::string(folder) + ":/x");
    // Separators, quotes and control characters are refused when the mount is parsed, blanks only for pyxis.
    const bool malformed = std::string_view(folder).find_first_of(",:\"\n") != std::string_view::npos;
    EXPECT_THAT(says(of, kAgent), HasSubstr(malformed ? "mount '" : "(source of a mount)")) << folder;
    auto agent = kAgent;
    agent.folders.push_back(folder);
    EXPECT_THAT(says(request(), agent), HasSubstr("(needed by the agent)")) << folder;
  }
  auto agent = kAgent;
  agent.program = "sweep-agent";
  EXPECT_THAT(says(request(), agent), HasSubstr("sweep-agent is neither next to sweepctl nor in PATH"));
  auto many = request();
  for (int i = 0; i < 200; ++i)
    many.container.mounts.push_back("/models/number/" + std::to_string(i) + ":/m/" + std::to_string(i) +
                                    ":ro");
  EXPECT_THAT(says(many, kAgent), HasSubstr("PYXIS_CONTAINER_MOUNTS would have"));
}

TEST(Step, ListOfNamesMayHaveAsManyCharactersAsPyxisTakes) {
  auto of = request();
  of.container.names = {std::string(4'095, 'N')};
  EXPECT_TRUE(step_variables(of, kAgent));
  of.container.names = {std::string(4'096, 'N')};
  EXPECT_THAT(step_variables(of, kAgent).error().message, HasSubstr("PYXIS_CONTAINER_ENV would have 4096"));
}

TEST(Step, LoaderOutsideUsrIsNamed) {
  auto agent = kAgent;
  agent.loader = "/nix/store/x/ld.so";
  const auto variables = step_variables(request(), agent);
  ASSERT_FALSE(variables);
  EXPECT_THAT(variables.error().message, HasSubstr("'/nix/store/x/ld.so' is not in /usr"));
}

}  // namespace
}  // namespace sweep::container
