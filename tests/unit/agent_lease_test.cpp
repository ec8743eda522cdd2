// agent/core: the agent's identity and GPUs, and what an attempt gets of them and of the environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/base/env_names.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// ---- identity

TEST(AgentIdentity, InASlurmStepHasJobStepAndTask) {
  const auto hello = identify({"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=3", "SLURMD_NODENAME=n1",
                               "SLURM_STEP_NUM_TASKS=4", "SLURM_NTASKS=9"},
                              "host", 47, {{"4", "5"}, "X"}, {"sh", "-c", "x"});
  EXPECT_EQ(hello.agent, "12.0.3");
  EXPECT_EQ(hello.node, "n1");
  EXPECT_EQ(hello.job, "12");
  EXPECT_EQ(hello.step, "0");
  EXPECT_EQ(hello.task, 3);
  EXPECT_EQ(hello.tasks, 4);
  EXPECT_EQ(hello.pid, 47);
  EXPECT_THAT(hello.gpus, ElementsAre("4", "5"));
  EXPECT_THAT(hello.command, ElementsAre("sh", "-c", "x"));
  EXPECT_EQ(hello.version, SWEEP_VERSION);
}

TEST(AgentIdentity, OutsideOfAStepHasHostAndProcessId) {
  const std::vector<std::vector<std::string>> environments = {
      {},
      {"SLURM_JOB_ID=12", "SLURM_NTASKS=9"},
      {"SLURM_JOB_ID=12", "SLURM_PROCID=0"},
      {"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=x"}};
  for (const auto& environment : environments) {
    const auto hello = identify(environment, "host", 47, {}, {});
    EXPECT_EQ(hello.agent, "host:47");
    EXPECT_EQ(hello.node, "host");
    EXPECT_EQ(hello.job, "");
    EXPECT_EQ(hello.step, "");
    EXPECT_EQ(hello.tasks, 1);
  }
}

TEST(AgentIdentity, OwnProgramNameAsCommandMeansTheProfiles) {
  EXPECT_THAT(identify({}, "h", 1, {}, {"sweep-agent"}).command, IsEmpty());
  EXPECT_THAT(identify({}, "h", 1, {}, {"/usr/bin/sweep-agent"}).command, IsEmpty());
  EXPECT_THAT(identify({}, "h", 1, {}, {"sweep-agent", "x"}).command, ElementsAre("sweep-agent", "x"));
}

// ---- GPUs

std::vector<std::string> gpus(const std::vector<std::string>& environment) {
  return find_gpus(environment, {"nvidia10", "nvidia2", "nvidiactl", "nvidia-uvm", "tty", "nvidia"}).ids;
}

TEST(AgentGpus, AreFoundInTheVariablesInOrder) {
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=0, 2", "SLURM_STEP_GPUS=4,5"}), ElementsAre("0", "2"));
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=GPU-1a,MIG-2"}), ElementsAre("GPU-1a", "MIG-2"));
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=NoDevFiles", "SLURM_STEP_GPUS=4,5"}), ElementsAre("4", "5"));
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=", "HIP_VISIBLE_DEVICES=3"}), ElementsAre("3"));
  EXPECT_EQ(find_gpus({"ROCR_VISIBLE_DEVICES=3", "GPU_DEVICE_ORDINAL=1"}, {}).variable,
            "ROCR_VISIBLE_DEVICES");
  EXPECT_THAT(gpus({"SLURM_JOB_ID=1", "GPU_DEVICE_ORDINAL=1,0"}), ElementsAre("1", "0"));
}

TEST(AgentGpus, OnlyRealIdsCountAndEachOnce) {
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=0,0,1,1"}), ElementsAre("0", "1"));
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=0-3"}), ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(gpus({"SLURM_STEP_GPUS=4-5,7,4"}), ElementsAre("4", "5", "7"));
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=1,none,2"}), ElementsAre("1"));
  for (const char* none : {"none", "void", "-1", "3-1", "0x2", "99999", "0-99999", "no GPU", "nvidia0"})
    EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=" + std::string(none)}), IsEmpty()) << none;
}

TEST(AgentGpus, AllMeansThatTheVariableLimitsNothing) {
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=all"}), ElementsAre("2", "10"));
  EXPECT_THAT(gpus({"SLURM_JOB_ID=1", "CUDA_VISIBLE_DEVICES=all", "SLURM_STEP_GPUS=4"}), ElementsAre("4"));
  EXPECT_THAT(gpus({"SLURM_JOB_ID=1", "CUDA_VISIBLE_DEVICES=all"}), IsEmpty());
}

TEST(AgentGpus, AreFoundInDevOnlyIfNoVariableNamesOrHidesThem) {
  EXPECT_THAT(gpus({}), ElementsAre("2", "10"));
  EXPECT_THAT(gpus({"SLURM_JOB_ID=1"}), IsEmpty());
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES="}), IsEmpty());
  EXPECT_THAT(gpus({"CUDA_VISIBLE_DEVICES=-1"}), IsEmpty());
}

TEST(AgentGpus, VariablesSelectGpusForAProgram) {
  EXPECT_THAT(gpu_variables({{"0", "1"}, "CUDA_VISIBLE_DEVICES"}, {"1"}),
              ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "1")));
  EXPECT_THAT(gpu_variables({{"0", "1"}, ""}, {"0", "1"}), ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "0,1")));
  EXPECT_THAT(gpu_variables({{"0"}, "HIP_VISIBLE_DEVICES"}, {"0"}),
              ElementsAre(Pair("CUDA_VISIBLE_DEVICES", "0"), Pair("HIP_VISIBLE_DEVICES", "0")));
  EXPECT_THAT(gpu_variables({{"4"}, "ROCR_VISIBLE_DEVICES"}, {"4"}),
              ElementsAre(Pair("ROCR_VISIBLE_DEVICES", "4")));
}

TEST(AgentPacking, AttemptsGetDisjointGpusAndPorts) {
  ScriptedAgent agent(ScriptedAgent::default_setup({"0", "2", "5", "7"}));
  agent.join(true);
  agent.lease_and_start("a", 1);
  agent.lease_and_start("b", 2);
  agent.lease_and_start("c", 1);
  ASSERT_EQ(agent.spawned.size(), 3u);
  EXPECT_EQ(value(agent.spawned[0], "CUDA_VISIBLE_DEVICES"), "0");
  EXPECT_EQ(value(agent.spawned[1], "CUDA_VISIBLE_DEVICES"), "2,5");
  EXPECT_EQ(value(agent.spawned[2], "CUDA_VISIBLE_DEVICES"), "7");
  EXPECT_NE(value(agent.spawned[0], "PORT"), value(agent.spawned[1], "PORT"));

  agent.exit("a", {1, {}});  // not settled, but its GPU is free
  agent.lease_and_start("d", 1);
  ASSERT_EQ(agent.spawned.size(), 4u);
  EXPECT_EQ(value(agent.spawned[3], "CUDA_VISIBLE_DEVICES"), "0");
}

TEST(AgentPacking, LeaseThatDoesNotFitIsRefused) {
  ScriptedAgent agent;
  agent.join(true);
  agent.lease_and_start("a", 3);
  agent.receive(ScriptedAgent::lease("b", 2));
  EXPECT_EQ(agent.spawned.size(), 1u);
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(agent.outcome().reason, "the lease needs 2 GPUs, but only 1 of the agent's 4 are free");
  agent.receive(ScriptedAgent::lease("whole", 0));  // needs no GPU, but the whole node
  EXPECT_EQ(agent.spawned.size(), 1u);
  agent.receive(wire::Settled{{"b", 1}, false});
  agent.lease_and_start("c", 1);
  EXPECT_EQ(agent.spawned.size(), 2u);
}

TEST(AgentPacking, PackedByNodeOneAttemptAtATimeHasAllGpus) {
  ScriptedAgent agent;
  agent.join(false);
  agent.lease_and_start("a", 1);
  EXPECT_EQ(value(agent.spawned[0], "CUDA_VISIBLE_DEVICES"), "0,1,2,3");
  agent.receive(ScriptedAgent::lease("b", 1));
  EXPECT_EQ(agent.spawned.size(), 1u);
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("busy with a"));

  ScriptedAgent small;
  small.join(false);
  small.receive(ScriptedAgent::lease("a", 8));
  EXPECT_EQ(small.outcome().kind, OutcomeKind::Infrastructure);
}

// ---- command and directory

TEST(AgentCommand, CommandLineWinsOverTheLease) {
  auto setup = ScriptedAgent::default_setup();
  setup.hello.command.clear();
  ScriptedAgent agent(setup);
  agent.join(true);
  wire::Lease lease = ScriptedAgent::lease("p", 1);
  lease.command = {"run.sh", "x"};
  agent.receive(lease);
  ASSERT_EQ(agent.spawned.size(), 1u);
  EXPECT_THAT(agent.spawned[0].argv, ElementsAre("run.sh", "x"));

  agent.receive(ScriptedAgent::lease("nothing", 1));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.outcome().phase, "start");
  EXPECT_THAT(agent.outcome().reason, HasSubstr("no command"));
}

TEST(AgentCommand, RelativePathStartsAtTheAgentsDirectory) {
  auto setup = ScriptedAgent::default_setup();
  setup.hello.command = {"./b.sh"};
  ScriptedAgent agent(setup);
  agent.join(true);
  agent.receive(ScriptedAgent::lease("p", 1));
  wire::Lease away = ScriptedAgent::lease("q", 1);
  away.workspace = "/scratch";
  agent.receive(away);
  away = ScriptedAgent::lease("r", 1);
  away.workspace = "sub";
  agent.receive(away);
  ASSERT_EQ(agent.spawned.size(), 3u);
  EXPECT_THAT(agent.spawned[0].argv, ElementsAre("./b.sh"));
  EXPECT_EQ(agent.spawned[0].directory, "");
  EXPECT_THAT(agent.spawned[1].argv, ElementsAre("/home/u/./b.sh"));
  EXPECT_EQ(agent.spawned[1].directory, "/scratch");
  EXPECT_EQ(value(agent.spawned[1], "PWD"), "/scratch");
  EXPECT_EQ(agent.spawned[2].directory, "/home/u/sub");

  agent.files["/scratch/result_q.json"] = {{}, FileStamp{1, 2, 3, 4}, "{}", {}};
  agent.start("q");
  agent.exit("q");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

// ---- environment

TEST(AgentEnvironment, InternalVariablesDoNotReachABenchmark) {
  const auto environment = benchmark_environment(
      {SWEEP_ENV_CLIENT_SECRET "=hush", SWEEP_ENV_ENDPOINT "=tcp://x", SWEEP_ENV_PREFIX "NEW=1",
       SWEEP_ENV_SPANK_PREFIX "sweep_config=f", "SLURM_JOB_ID=12", "HOME=/root"},
      {{SWEEP_ENV_CLIENT_SECRET, "hush"}, {"A", "1"}}, {}, 9000, "");
  EXPECT_THAT(environment, ElementsAre("A=1", "HF_HUB_CACHE=/mnt/hf_hub_cache/", "HOME=/root", "PORT=9000",
                                       "PORT_OFFSET=112", "RANDOM_RANGE_RATIO=0.8", "SLURM_JOB_ID=12"));
}

TEST(AgentEnvironment, LaterValuesWinAndDefaultsNeverReplaceValues) {
  const auto environment = benchmark_environment(
      {"A=own", "B=own", "B=second", "PORT=1", "HF_HUB_CACHE=/cache", "EMPTY=", "nonsense"},
      {{"A", "first"}, {"A", "last"}, {"RANDOM_RANGE_RATIO", "0.1"}, {"G", "lease"}}, {{"G", "7"}}, 8888, "");
  EXPECT_THAT(environment, ElementsAre("A=last", "B=own", "EMPTY=", "G=7", "HF_HUB_CACHE=/cache", "PORT=8888",
                                       "PORT_OFFSET=0", "RANDOM_RANGE_RATIO=0.1"));
}

TEST(AgentEnvironment, LookUpReturnsTheFirstValue) {
  EXPECT_EQ(look_up({"AB=1", "A=2", "A=3"}, "A"), "2");
  EXPECT_EQ(look_up({"A="}, "A"), "");
  EXPECT_FALSE(look_up({"A"}, "A"));
}

}  // namespace
}  // namespace sweep::agent
