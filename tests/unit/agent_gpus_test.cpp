// agent/core: how telemetry affects an attempt: it starts on idle GPUs, gets flaws, and has a measured
// window.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Setup sampled(const std::vector<std::string>& gpus = {"0", "1"}) {
  Setup setup = ScriptedAgent::default_setup(gpus);
  setup.sampled = gpus;
  setup.origin.kernel = "Linux 6";
  return setup;
}

class SampledAgent : public ScriptedAgent {
 public:
  explicit SampledAgent(bool pack = false, Setup setup = sampled()) : ScriptedAgent(std::move(setup)) {
    join(pack);
  }

  void sample(const std::string& gpu, std::int64_t watts, std::int64_t processes = 0,
              std::int64_t throttle = 0) {
    GpuSample one;
    one.at = now;
    one.gpu = gpu;
    one.power_mw = watts * 1'000;
    one.processes = processes;
    one.utilization_percent = 0;
    one.throttle_reasons = throttle;
    feed(GpuReported{one});
  }
  Account account(const std::string& point) const {
    for (const wire::Finished& message : messages<wire::Finished>()) {
      if (message.ref.point == point) return message.account;
    }
    ADD_FAILURE() << point << " has not finished";
    return {};
  }
  void done(const std::string& point) {
    leave_result(point, "{}");
    exit(point);
    receive(wire::Settled{{point, 1}, true});
  }
};

TEST(AgentGpus, PointStartsAfterANewIdleSampleOfEachGpu) {
  SampledAgent agent;
  agent.sample("0", 90);
  agent.sample("1", 90);
  agent.pass(Millis(10));
  agent.receive(ScriptedAgent::lease("p", 2));
  EXPECT_THAT(agent.spawned, IsEmpty()) << "these samples are from before";
  agent.sample("0", 90);
  EXPECT_THAT(agent.spawned, IsEmpty());
  agent.sample("1", 90);
  EXPECT_THAT(agent.spawned, SizeIs(1));
  agent.start("p");
  agent.done("p");
  EXPECT_THAT(agent.account("p").flaws, IsEmpty());
  EXPECT_EQ(agent.account("p").phases.front().name, "idle-check");
}

TEST(AgentGpus, PointStartsOnGpusThatStayBusyButHasAFlaw) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.pass(Millis(1'000));
  agent.sample("0", 90);
  agent.sample("1", 400, 2);
  agent.pass(Millis(3'999));
  EXPECT_THAT(agent.spawned, IsEmpty());
  agent.pass(Millis(1));
  ASSERT_THAT(agent.spawned, SizeIs(1));
  agent.start("p");
  agent.done("p");
  ASSERT_THAT(agent.account("p").flaws, SizeIs(1));
  EXPECT_THAT(agent.account("p").flaws[0], testing::StartsWith("gpus-busy: "));
  EXPECT_THAT(agent.account("p").flaws[0], HasSubstr("1"));
}

TEST(AgentGpus, WorkThatEndsWhileWaitingIsNoFlaw) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.sample("0", 90);
  agent.sample("1", 400, 2);
  agent.pass(Millis(1'000));
  agent.sample("0", 90);
  agent.sample("1", 90);
  ASSERT_THAT(agent.spawned, SizeIs(1));
  agent.start("p");
  agent.done("p");
  EXPECT_THAT(agent.account("p").flaws, IsEmpty());
}

TEST(AgentGpus, WithoutSamplesPointsStartAtOnceAndHaveNoGpuUse) {
  SampledAgent agent;
  agent.feed(GpuReported{TelemetryOff{"no NVML", true}});
  EXPECT_THAT(agent.warned, IsEmpty()) << "a machine without NVML needs no warning";
  agent.receive(ScriptedAgent::lease("p", 2));
  ASSERT_THAT(agent.spawned, SizeIs(1));
  agent.start("p");
  agent.pass(Millis(5'000));
  agent.done("p");
  EXPECT_THAT(agent.account("p").flaws, IsEmpty());
  EXPECT_FALSE(agent.account("p").gpu_use);
}

TEST(AgentGpus, WaitingPointStartsWhenTheSamplerStops) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  EXPECT_THAT(agent.spawned, IsEmpty());
  agent.feed(GpuReported{TelemetryOff{"it hung", false}});
  EXPECT_THAT(agent.spawned, SizeIs(1));
  EXPECT_THAT(agent.warned, ElementsAre(HasSubstr("it hung")));
}

TEST(AgentGpus, PointWaitsFiveSecondsForSamplesAtMost) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.pass(Millis(5'000));
  ASSERT_THAT(agent.spawned, SizeIs(1));
  agent.start("p");
  agent.done("p");
  EXPECT_THAT(agent.account("p").flaws, IsEmpty());
}

TEST(AgentGpus, PointWithoutGpusDoesNotWait) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 0));
  EXPECT_THAT(agent.spawned, SizeIs(1));
}

TEST(AgentGpus, OnlyTheMainRunIsMeasured) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.sample("0", 90);
  agent.sample("1", 90);
  agent.start("p");
  agent.pass(Millis(1'000));
  agent.sample("0", 999);  // the server is loading
  agent.sample("1", 999);
  agent.pass(Millis(5'000));
  agent.print("p", "Initial test run completed. Starting main benchmark run...\n", true);
  constexpr std::int64_t kPowerCap = 4;
  for (int i = 0; i < 4; ++i) {
    agent.sample("0", 500);
    agent.sample("1", 300, 1, kPowerCap);
    if (i < 3) agent.pass(Millis(1'000));
  }
  agent.done("p");
  const auto use = agent.account("p").gpu_use;
  ASSERT_TRUE(use);
  EXPECT_EQ(use->window, Millis(3'000));
  EXPECT_NEAR(static_cast<double>(*use->power_mw), 800'000, 60'000);
  EXPECT_NEAR(static_cast<double>(*use->energy_mj), 3 * 800'000, 180'000);
  EXPECT_THAT(use->throttled, ElementsAre("power cap"));
}

TEST(AgentGpus, ScriptThatPrintsNoKnownLineIsMeasuredFromItsStart) {
  SampledAgent agent;
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.sample("0", 90);
  agent.sample("1", 90);
  agent.pass(Millis(1'000));
  agent.start("p");
  for (int i = 0; i < 4; ++i) {
    agent.sample("0", 500);
    agent.sample("1", 300);
    if (i < 3) agent.pass(Millis(1'000));
  }
  agent.done("p");
  const auto use = agent.account("p").gpu_use;
  ASSERT_TRUE(use);
  EXPECT_EQ(use->window, Millis(3'000));
  EXPECT_NEAR(static_cast<double>(*use->power_mw), 800'000, 60'000);
}

TEST(AgentGpus, OnAWholeNodeAsManyGpusAsNeededAreSampled) {
  SampledAgent agent(false, sampled({"0", "1", "2", "3"}));
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.sample("0", 90);
  agent.sample("1", 90);
  EXPECT_THAT(agent.spawned, SizeIs(1));
}

TEST(AgentGpus, PackedPointsCheckOnlyTheirOwnGpus) {
  SampledAgent agent(true, sampled({"0", "1", "2", "3"}));
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.receive(ScriptedAgent::lease("q", 2));
  agent.sample("2", 90);
  agent.sample("3", 90);
  ASSERT_THAT(agent.spawned, SizeIs(1));
  EXPECT_EQ(value(agent.spawned[0], "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(AgentGpus, FinishedHasTheOriginOfNodeAndGpus) {
  SampledAgent agent;
  NvmlFacts facts;
  facts.driver = "580.1";
  facts.gpus = {{"0", "NVIDIA B200", "", ""}, {"1", "NVIDIA B200", "", ""}, {"2", "T4", "", ""}};
  agent.receive(ScriptedAgent::lease("p", 2));
  agent.feed(GpuReported{facts});
  agent.sample("0", 90);
  agent.sample("1", 90);
  agent.start("p");
  agent.done("p");
  const Origin origin = agent.account("p").origin;
  EXPECT_EQ(origin.kernel.str(), "Linux 6");
  EXPECT_EQ(origin.driver.str(), "580.1");
  EXPECT_EQ(origin.gpus.str(), "2 x NVIDIA B200, T4");
}

}  // namespace
}  // namespace sweep::agent
