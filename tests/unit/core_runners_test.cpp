// Points whose node must serve their runner: which agent gets them, and how points without such a node fail.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreRunners : public CoreTest {
 protected:
  /// Points p0, p1, … given as (runner, GPUs).
  void begin_with(const std::vector<std::pair<std::string, int>>& points) {
    for (const auto& [runner, gpus] : points) {
      PointSpec spec{"p" + std::to_string(specs.size()), gpus};
      spec.runner = runner;
      specs.push_back(spec);
    }
    state = make_state(settings, specs);
  }
  Messages serve(const std::string& agent, const std::vector<std::string>& runners) {
    mark_seen(state, agent, now);
    return handle(Ready{agent, {}, runners});
  }
  Messages arrive_as(const std::string& id, const std::string& node, int gpus,
                     const std::vector<std::string>& runners, int tasks = 1) {
    join(agent_info(id, node, gpus, tasks));
    return serve(id, runners);
  }
};

TEST_F(CoreRunners, APointGoesToANodeThatServesItsRunner) {
  begin_with({{"b200", 8}, {"h200", 8}, {"b200", 4}});
  EXPECT_THAT(arrive_as("h", "n1", 8, {"h200"}, 2), ElementsAre("lease h p1/1"));
  EXPECT_THAT(arrive_as("b", "n2", 8, {"b200"}, 2), ElementsAre("lease b p0/1"));
  EXPECT_THAT(finish("h", "p1"),
              ElementsAre("settled h p1/1 accepted"));  // the remaining point has another runner
  EXPECT_THAT(finish("b", "p0"), ElementsAre("settled b p0/1 accepted", "lease b p2/1"));
  EXPECT_THAT(finish("b", "p2"),
              UnorderedElementsAre("settled b p2/1 accepted", "drain b complete", "drain h complete"));
}

TEST_F(CoreRunners, NodeThatServesSeveralRunnersTakesPointsInMatrixOrder) {
  begin_with({{"b200-trt", 4}, {"b200", 4}, {"b200-trt", 4}});
  EXPECT_THAT(arrive_as("a", "n1", 8, {"b200", "b200-trt"}), ElementsAre("lease a p0/1"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
}

TEST_F(CoreRunners, GangsFailWithTheirNeedsAndTheOthersRun) {
  specs = {{"p0", 4}, {"p1", 4}, {"p2", 0}};
  specs[1].gang = std::make_shared<GangSpec>(GangSpec{"4 GPUs on 1 node for 2 servers", {}, {}});
  specs[1].runner = "gb200";
  specs[2].gang = std::make_shared<GangSpec>(GangSpec{"24 GPUs on 3 nodes for 3 servers", {}, {}});
  state = make_state(settings, specs);
  EXPECT_THAT(arrive_as("a", "n1", 8, {"b200"}), ElementsAre("lease a p0/1"));
  EXPECT_EQ(point("p1").state, PointState::Failed);
  EXPECT_EQ(
      point("p2").reason,
      "needs 24 GPUs on 3 nodes for 3 servers; points with several servers or nodes (gangs) are not run by this "
      "version");
}

TEST_F(CoreRunners, AgentWithoutRunnersInReadyServesAll) {
  begin_with({{"b200", 4}, {"h200", 4}});
  EXPECT_THAT(arrive("a", "n1", 8), ElementsAre("lease a p0/1"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
}

TEST_F(CoreRunners, PointsOfAnUnservedRunnerFailAndTheOthersRun) {
  begin_with({{"b200", 8}, {"mi300x", 8}, {"mi300x", 4}});
  EXPECT_THAT(arrive_as("a", "n1", 8, {"b200"}), ElementsAre("lease a p0/1"));
  EXPECT_EQ(point("p1").state, PointState::Failed);
  EXPECT_EQ(point("p2").state, PointState::Failed);
  EXPECT_THAT(point("p1").reason, HasSubstr("no node serves its runner 'mi300x'"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "drain a"));
}

TEST_F(CoreRunners, ReasonNamesTheGpusOfTheNodes) {
  begin_with({{"b200", 8}});
  join(agent_info("a", "n1", 8, 2));
  handle(Ready{"a", {}, std::vector<std::string>{}, {"h200", "nvml", false}});
  join(agent_info("b", "n2", 8, 2));
  handle(Ready{"b", {}, std::vector<std::string>{}, {"h200", "nvml", false}});
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason,
            "no node serves its runner 'b200'; see 'runners' in the profile; the GPUs of n1 and n2 are h200 "
            "(nvml)");
}

TEST_F(CoreRunners, HardwareReportedLaterTakesTheAgentOffItsRunner) {
  begin_with({{"b200", 8}, {"b200", 8}});
  join(agent_info("a", "n1", 8, 1));
  EXPECT_THAT(handle(Ready{"a"}), ElementsAre("lease a p0/1"));
  handle(Ready{"a", {}, std::vector<std::string>{}, {"h200", "nvml", false}});
  EXPECT_EQ(agent("a").hardware.gpus, "h200");
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "drain a"));
  EXPECT_EQ(point("p1").state, PointState::Pending);
  EXPECT_THAT(state.end_reason, HasSubstr("of runner 'b200' is left; the GPUs of n1 are h200 (nvml)"));
}

TEST_F(CoreRunners, PointsFailOnlyAfterAllAgentsHaveReportedTheirRunners) {
  begin_with({{"b200", 8}, {"h200", 8}});
  EXPECT_THAT(arrive_as("a", "n1", 8, {"b200"}, 2), ElementsAre("lease a p0/1"));
  join(agent_info("h", "n2", 8, 2));
  EXPECT_EQ(point("p1").state, PointState::Pending);
  EXPECT_THAT(serve("h", {"h200"}), ElementsAre("lease h p1/1"));
}

TEST_F(CoreRunners, ReasonNamesNodesOfTheRunnerThatAreTooSmall) {
  begin_with({{"b200", 8}, {"h200", 8}});
  arrive_as("b", "n1", 8, {"b200"}, 2);
  arrive_as("h", "n2", 4, {"h200"}, 2);
  EXPECT_EQ(point("p1").state, PointState::Failed);
  EXPECT_THAT(point("p1").reason,
              HasSubstr("needs 8 GPUs; the largest node that serves its runner 'h200' has 4"));
}

TEST_F(CoreRunners, RunnersReportedLaterReplaceEarlierOnes) {
  begin_with({{"b200", 8}, {"h200", 8}});
  EXPECT_THAT(arrive_as("a", "n1", 8, {"b200"}, 2), ElementsAre("lease a p0/1"));
  join(agent_info("h", "n2", 8, 2));
  EXPECT_THAT(serve("a", {"b200", "h200"}), IsEmpty());
  EXPECT_THAT(serve("h", {}), IsEmpty());
  EXPECT_EQ(point("p1").state, PointState::Pending);
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
}

TEST_F(CoreRunners, EndReasonNamesTheRunnerAndItsGoneNode) {
  begin_with({{"h200", 8}, {"h200", 8}});
  arrive_as("h", "n1", 8, {"h200"}, 2);
  arrive_as("b", "n2", 8, {"b200"}, 2);
  handle(Goodbye{"h", "SIGTERM"});
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(state.end_reason, HasSubstr("of runner 'h200' is left"));
  EXPECT_THAT(state.end_reason, HasSubstr("n1 is gone: SIGTERM"));
}

TEST_F(CoreRunners, RetryStaysWithinItsRunner) {
  begin_with({{"b200", 8}});
  arrive_as("a", "n1", 8, {"b200"}, 2);
  arrive_as("h", "n2", 8, {"h200"}, 2);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled a p0/1", "lease a p0/2"));
}

TEST_F(CoreRunners, ManyPointsOfOtherRunnersDoNotDelayALease) {
  std::vector<std::pair<std::string, int>> points(2'000, {"b200", 8});
  points.emplace_back("h200", 8);
  begin_with(points);
  EXPECT_THAT(arrive_as("h", "n1", 8, {"h200"}, 2), ElementsAre("lease h p2000/1"));
}

}  // namespace
}  // namespace sweep::core
