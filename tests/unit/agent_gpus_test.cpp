// agent/core: what an attempt has from its GPUs' telemetry: a start on idle ones, a doubt, a measured window.
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
  Setup setup = ScriptedAgent::some_setup(gpus);
  setup.sampled = gpus;
  setup.origin.kernel = "Linux 6";
  return setup;
}

class Watched : public ScriptedAgent {
 public:
  explicit Watched(bool pack = false, Setup setup = sampled()) : ScriptedAgent(std::move(setup)) {
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
    feed(GpuTold{one});
  }
  Account account(const std::string& point) const {
    for (const wire::Finished& message : said<wire::Finished>()) {
      if (message.ref.point == point) return message.account;
    }
    ADD_FAILURE() << point << " has not finished";
    return {};
  }
  void done(const std::string& point) {
    leave_result(point, "{}");
    exit(point);
    hear(wire::Settled{{point, 1}, true});
  }
};

TEST(AgentGpus, APointStartsWhenEachOfItsGpusHasBeenSeenIdleSince) {
  Watched scene;
  scene.sample("0", 90);
  scene.sample("1", 90);
  scene.pass(Millis(10));
  scene.hear(ScriptedAgent::lease("p", 2));
  EXPECT_THAT(scene.spawned, IsEmpty()) << "these samples are from before";
  scene.sample("0", 90);
  EXPECT_THAT(scene.spawned, IsEmpty());
  scene.sample("1", 90);
  EXPECT_THAT(scene.spawned, SizeIs(1));
  scene.start("p");
  scene.done("p");
  EXPECT_THAT(scene.account("p").flaws, IsEmpty());
  EXPECT_EQ(scene.account("p").phases.front().name, "idle-check");
}

TEST(AgentGpus, OnGpusThatStayBusyItStartsAndIsDoubted) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.pass(Millis(1'000));
  scene.sample("0", 90);
  scene.sample("1", 400, 2);
  scene.pass(Millis(3'999));
  EXPECT_THAT(scene.spawned, IsEmpty());
  scene.pass(Millis(1));
  ASSERT_THAT(scene.spawned, SizeIs(1));
  scene.start("p");
  scene.done("p");
  ASSERT_THAT(scene.account("p").flaws, SizeIs(1));
  EXPECT_THAT(scene.account("p").flaws[0], testing::StartsWith("gpus-busy: "));
  EXPECT_THAT(scene.account("p").flaws[0], HasSubstr("1"));
}

TEST(AgentGpus, WhatEndsMeanwhileIsNoDoubt) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.sample("0", 90);
  scene.sample("1", 400, 2);
  scene.pass(Millis(1'000));
  scene.sample("0", 90);
  scene.sample("1", 90);
  ASSERT_THAT(scene.spawned, SizeIs(1));
  scene.start("p");
  scene.done("p");
  EXPECT_THAT(scene.account("p").flaws, IsEmpty());
}

TEST(AgentGpus, WithoutSamplesNobodyWaitsAndNothingIsClaimed) {
  Watched scene;
  scene.feed(GpuTold{TelemetryOff{"no NVML", true}});
  EXPECT_THAT(scene.warned, IsEmpty()) << "a machine without NVML is nothing to speak of";
  scene.hear(ScriptedAgent::lease("p", 2));
  ASSERT_THAT(scene.spawned, SizeIs(1));
  scene.start("p");
  scene.pass(Millis(5'000));
  scene.done("p");
  EXPECT_THAT(scene.account("p").flaws, IsEmpty());
  EXPECT_FALSE(scene.account("p").gpu_use);
}

TEST(AgentGpus, ASamplerThatStopsLetsAWaitingPointStart) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 2));
  EXPECT_THAT(scene.spawned, IsEmpty());
  scene.feed(GpuTold{TelemetryOff{"it hung", false}});
  EXPECT_THAT(scene.spawned, SizeIs(1));
  EXPECT_THAT(scene.warned, ElementsAre(HasSubstr("it hung")));
}

TEST(AgentGpus, NoSampleForFiveSecondsIsNoReasonToWaitLonger) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.pass(Millis(5'000));
  ASSERT_THAT(scene.spawned, SizeIs(1));
  scene.start("p");
  scene.done("p");
  EXPECT_THAT(scene.account("p").flaws, IsEmpty());
}

TEST(AgentGpus, APointThatNeedsNoGpusIsNotConcerned) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 0));
  EXPECT_THAT(scene.spawned, SizeIs(1));
}

TEST(AgentGpus, TheMainRunIsMeasuredAndNothingBefore) {
  Watched scene;
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.sample("0", 90);
  scene.sample("1", 90);
  scene.start("p");
  scene.pass(Millis(1'000));
  scene.sample("0", 999);  // the server loads
  scene.sample("1", 999);
  scene.pass(Millis(5'000));
  scene.print("p", "Initial test run completed. Starting main benchmark run...\n", true);
  constexpr std::int64_t kPowerCap = 4;
  for (int i = 0; i < 4; ++i) {
    scene.sample("0", 500);
    scene.sample("1", 300, 1, kPowerCap);
    if (i < 3) scene.pass(Millis(1'000));
  }
  scene.done("p");
  const auto use = scene.account("p").gpu_use;
  ASSERT_TRUE(use);
  EXPECT_EQ(use->window, Millis(3'000));
  EXPECT_NEAR(static_cast<double>(*use->power_mw), 800'000, 60'000);
  EXPECT_NEAR(static_cast<double>(*use->energy_mj), 3 * 800'000, 180'000);
  EXPECT_THAT(use->throttled, ElementsAre("power cap"));
}

TEST(AgentGpus, OnANodeOfItsOwnAsManyAsItNeedsCount) {
  Watched scene(false, sampled({"0", "1", "2", "3"}));
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.sample("0", 90);
  scene.sample("1", 90);
  EXPECT_THAT(scene.spawned, SizeIs(1));
}

TEST(AgentGpus, PackedPointsLookAtTheirOwn) {
  Watched scene(true, sampled({"0", "1", "2", "3"}));
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.hear(ScriptedAgent::lease("q", 2));
  scene.sample("2", 90);
  scene.sample("3", 90);
  ASSERT_THAT(scene.spawned, SizeIs(1));
  EXPECT_EQ(value(scene.spawned[0], "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(AgentGpus, WhatIsKnownOfNodeAndGpusGoesWithTheEnd) {
  Watched scene;
  NvmlFacts facts;
  facts.driver = "580.1";
  facts.gpus = {{"0", "NVIDIA B200", "", ""}, {"1", "NVIDIA B200", "", ""}, {"2", "T4", "", ""}};
  scene.hear(ScriptedAgent::lease("p", 2));
  scene.feed(GpuTold{facts});
  scene.sample("0", 90);
  scene.sample("1", 90);
  scene.start("p");
  scene.done("p");
  const Origin origin = scene.account("p").origin;
  EXPECT_EQ(origin.kernel.str(), "Linux 6");
  EXPECT_EQ(origin.driver.str(), "580.1");
  EXPECT_EQ(origin.gpus.str(), "2 x NVIDIA B200, T4");
}

}  // namespace
}  // namespace sweep::agent
