// Gangs: points that need several nodes. Who runs them, what ends them, and what waits for them.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreGangs : public CoreTest {
 protected:
  /// Returns a gang of a prefill and a decode worker with these numbers of GPUs.
  static std::shared_ptr<const GangSpec> gang(int prefill, int decode) {
    GangSpec out;
    out.text = std::to_string(prefill + decode) + " GPUs";
    out.roles = {{"prefill", 1, prefill}, {"decode", 1, decode}};
    return std::make_shared<const GangSpec>(std::move(out));
  }
  /// Adds a gang, which needs nodes of 8 GPUs.
  void add_gang(int prefill, int decode) {
    PointSpec spec{"p" + std::to_string(specs.size()), prefill + decode};
    spec.kind = "gang";
    spec.gang = gang(prefill, decode);
    specs.push_back(spec);
  }
  void add_single(int gpus, const std::string& kind = "single") {
    PointSpec spec{"p" + std::to_string(specs.size()), gpus};
    spec.kind = kind;
    specs.push_back(spec);
  }
  /// Starts the sweep with agents a1, a2, … of 8 GPUs on nodes n1, n2, …; returns the messages to the last one's Ready.
  Messages begin_on(int nodes, int gpus = 8) {
    state = make_state(settings, specs);
    for (int i = 1; i <= nodes; ++i)
      join(agent_info("a" + std::to_string(i), "n" + std::to_string(i), gpus, nodes));
    Messages out;
    for (int i = 1; i <= nodes; ++i) {
      for (std::string& message : ready("a" + std::to_string(i)))
        out.push_back(std::move(message));
    }
    return out;
  }
};

TEST_F(CoreGangs, GangBeginsWholeWhenItsNodesAreThere) {
  add_gang(8, 16);
  state = make_state(settings, specs);
  EXPECT_THAT(arrive("a1", "n1", 8, 3), IsEmpty());
  EXPECT_THAT(arrive("a2", "n2", 8, 3), IsEmpty());
  EXPECT_THAT(arrive("a3", "n3", 8, 3), ElementsAre("lease a1 p0/1", "lease a2 p0/1", "lease a3 p0/1"));
  EXPECT_EQ(point("p0").attempts[0].agent, "a1") << "the client runs on the head";
  EXPECT_EQ(point("p0").attempts[0].members[2], (GangMember{"a3", 8, false}));
  EXPECT_EQ(agent("a2").gpus_held, 8);
}

TEST_F(CoreGangs, ResultEndsTheGangOnAllMembers) {
  add_gang(8, 8);
  add_gang(8, 8);
  begin_on(2);
  start("a1", "p0");
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_THAT(finish("a1", "p0"), ElementsAre("settled a1 p0/1 accepted", "settled a2 p0/1 accepted",
                                              "lease a1 p1/1", "lease a2 p1/1"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_THAT(finish("a1", "p1"), ElementsAre("settled a1 p1/1 accepted", "settled a2 p1/1 accepted",
                                              "drain a1 complete", "drain a2 complete"));
}

TEST_F(CoreGangs, MemberThatEndsEndsTheGangAndIsTheCause) {
  add_gang(8, 16);
  begin_on(3);
  start("a1", "p0");
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::ServerFailed),
              ElementsAre("settled a2 p0/1", "cancel a1 p0/1", "cancel a3 p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").attempts[0].outcome->kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(agent("a2").gpus_held, 0);
  EXPECT_EQ(agent("a3").gpus_held, 8) << "until it reports that its processes have ended";
  EXPECT_THAT(finish("a3", "p0", 1, OutcomeKind::Cancelled), ElementsAre("settled a3 p0/1"));
  EXPECT_THAT(finish("a1", "p0", 1, OutcomeKind::BenchmarkFailed),
              ElementsAre("settled a1 p0/1", "drain a1", "drain a2", "drain a3"));
  EXPECT_EQ(point("p0").attempts[0].outcome->kind, OutcomeKind::ServerFailed)
      << "what follows is not the cause";
}

TEST_F(CoreGangs, ClientThatFailsEndsTheGang) {
  settings.benchmark_retries = 1;
  add_gang(8, 8);
  begin_on(2);
  start("a1", "p0");
  EXPECT_THAT(finish("a1", "p0", 1, OutcomeKind::BenchmarkFailed),
              ElementsAre("settled a1 p0/1", "cancel a2 p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Pending) << "its retry waits until all members have ended";
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a2 p0/1", "lease a1 p0/2", "lease a2 p0/2"));
}

TEST_F(CoreGangs, ServerThatEndsWithoutAnErrorIsAFailure) {
  add_gang(8, 8);
  begin_on(2);
  finish("a2", "p0", 1, OutcomeKind::Ok);
  EXPECT_EQ(point("p0").attempts[0].outcome->kind, OutcomeKind::ServerFailed);
  EXPECT_THAT(point("p0").reason, HasSubstr("a server of the gang ended before the client"));
}

TEST_F(CoreGangs, LostMemberEndsTheGangAndItsNodeIsAvoided) {
  add_gang(8, 8);
  begin_on(3);
  start("a1", "p0");
  EXPECT_THAT(lose("a2"), ElementsAre("cancel a1 p0/1"));
  EXPECT_THAT(point("p0").bad_nodes, ElementsAre("n2"));
  EXPECT_EQ(point("p0").attempts[0].state, Attempt::State::Ended) << "the client's agent is not lost";
  EXPECT_THAT(finish("a1", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a1 p0/1", "lease a1 p0/2", "lease a3 p0/2"));
  EXPECT_THAT(heartbeat("a2"), ElementsAre("cancel a2 p0/1")) << "it has to stop it when it returns";
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::Cancelled), ElementsAre("settled a2 p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreGangs, LostClientEndsTheGang) {
  add_gang(8, 8);
  begin_on(3);
  start("a1", "p0");
  EXPECT_THAT(lose("a1"), ElementsAre("cancel a2 p0/1"));
  EXPECT_EQ(point("p0").attempts[0].state, Attempt::State::Lost);
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a2 p0/1", "lease a2 p0/2", "lease a3 p0/2"));
  EXPECT_THAT(heartbeat("a1"), ElementsAre("cancel a1 p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased) << "its gang does not come back";
}

TEST_F(CoreGangs, PreemptedMemberLeaves) {
  add_gang(8, 8);
  begin_on(3);
  finish("a2", "p0", 1, OutcomeKind::Preempted);
  EXPECT_TRUE(agent("a2").leaving);
  EXPECT_FALSE(agent("a1").leaving);
  EXPECT_THAT(finish("a1", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a1 p0/1", "lease a1 p0/2", "lease a3 p0/2"));
}

TEST_F(CoreGangs, FailuresOfAMemberQuarantineItsNode) {
  settings.node_failures = 1;
  add_gang(8, 8);
  begin_on(3);
  finish("a2", "p0", 1, OutcomeKind::Infrastructure);
  EXPECT_NE(state.nodes.at("n2").quarantine, "");
  EXPECT_FALSE(state.nodes.contains("n1"));
}

TEST_F(CoreGangs, FilesOfAResultAreFetchedWhileTheNextGangRuns) {
  add_gang(8, 8);
  add_gang(8, 8);
  begin_on(2);
  start("a1", "p0");
  EXPECT_THAT(handle(FilesAwaited{"a1", {"p0", 1}}),
              ElementsAre("settled a2 p0/1 accepted", "lease a1 p1/1", "lease a2 p1/1"));
  EXPECT_THAT(finish("a1", "p0"), ElementsAre("settled a1 p0/1 accepted", "settled a2 p0/1 accepted"));
}

TEST_F(CoreGangs, GangThatIsTooLargeFailsAndTheOthersRun) {
  add_gang(8, 16);
  add_gang(8, 8);
  EXPECT_THAT(begin_on(2), ElementsAre("lease a1 p1/1", "lease a2 p1/1"));
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason, "needs 24 GPUs; the sweep has 2 nodes with 8 GPUs");
}

TEST_F(CoreGangs, GangGetsNodesWithEqualNumbersOfGpus) {
  add_gang(8, 8);
  state = make_state(settings, specs);
  for (const auto& [id, gpus] : {std::pair("a1", 4), {"a2", 8}, {"a3", 4}, {"a4", 4}})
    join(agent_info(id, std::string("n") + id[1], gpus, 5));
  for (const char* id : {"a1", "a2", "a3", "a4"})
    ready(id);
  EXPECT_EQ(point("p0").state, PointState::Pending) << "one node of 8 and three of 4 are not enough";
  EXPECT_THAT(arrive("a5", "n5", 4, 5),
              ElementsAre("lease a1 p0/1", "lease a3 p0/1", "lease a4 p0/1", "lease a5 p0/1"));
}

TEST_F(CoreGangs, NodeWithoutGpusIsTheSmallest) {
  GangSpec spec = *gang(8, 8);
  spec.client = {GangPlace::Kind::Own};
  specs.push_back({"p0", 16});
  specs[0].gang = std::make_shared<const GangSpec>(spec);
  state = make_state(settings, specs);
  join(agent_info("a1", "n1", 0, 3));
  join(agent_info("a2", "n2", 8, 3));
  join(agent_info("a3", "n3", 8, 3));
  ready("a1");
  ready("a2");
  EXPECT_THAT(ready("a3"), ElementsAre("lease a2 p0/1", "lease a3 p0/1", "lease a1 p0/1"));
  EXPECT_EQ(point("p0").attempts[0].agent, "a1") << "the client's node";
}

// ---- waiting

TEST_F(CoreGangs, WaitingGangKeepsFreeNodes) {
  add_single(8);
  add_gang(8, 8);
  add_single(8);
  state = make_state(settings, specs);
  EXPECT_THAT(arrive("a1", "n1", 8, 2), ElementsAre("lease a1 p0/1")) << "two nodes are not there yet";
  EXPECT_THAT(arrive("a2", "n2", 8, 2), IsEmpty()) << "the other point could delay the gang";
  EXPECT_THAT(finish("a1", "p0"), ElementsAre("settled a1 p0/1 accepted", "lease a1 p1/1", "lease a2 p1/1"));
}

TEST_F(CoreGangs, ShortPointUsesANodeUntilTheGangBegins) {
  add_single(8, "long");
  add_single(8, "short");
  add_gang(8, 8);
  add_single(8, "long");
  add_single(8, "short");
  state = make_state(settings, specs);
  state.walls["long"].add(Millis(100'000));
  state.walls["short"].add(Millis(10'000));
  state.walls["gang"].add(Millis(10'000));
  arrive("a1", "n1", 8, 2);
  arrive("a2", "n2", 8, 2);
  EXPECT_EQ(point("p1").attempts[0].agent, "a2");
  wait(Millis(10'000), {"a1", "a2"});
  EXPECT_THAT(finish("a2", "p1"), ElementsAre("settled a2 p1/1 accepted", "lease a2 p4/1"))
      << "the other long point would end after the first one";
  EXPECT_THAT(finish("a2", "p4"), ElementsAre("settled a2 p4/1 accepted"));
  EXPECT_THAT(finish("a1", "p0"), ElementsAre("settled a1 p0/1 accepted", "lease a1 p2/1", "lease a2 p2/1"));
  events.clear();  // the durations were not measured
  specs.clear();
  state = make_state(settings, specs);
}

TEST_F(CoreGangs, LargestGangIsFirstAndOthersUseTheRest) {
  add_single(8);
  add_gang(8, 8);
  add_gang(8, 16);
  add_single(8);
  EXPECT_THAT(begin_on(4), ElementsAre("lease a1 p0/1", "lease a2 p2/1", "lease a3 p2/1", "lease a4 p2/1"));
  start("a2", "p2");
  EXPECT_THAT(finish("a2", "p2"),
              ElementsAre("settled a2 p2/1 accepted", "settled a3 p2/1 accepted", "settled a4 p2/1 accepted",
                          "lease a2 p1/1", "lease a3 p1/1", "lease a4 p3/1"));
}

TEST_F(CoreGangs, GangThatCannotBeginLetsOthersRunWhenNothingElseDoes) {
  add_gang(8, 8);
  add_single(8);
  state = make_state(settings, specs);
  state.walls["gang"].add(Millis(1'000'000));
  join(agent_info("a1", "n1", 8, 2));
  join(agent_info("a2", "n2", 8, 2));
  const Instant soon = now + Millis(60'000);
  EXPECT_THAT(handle(Ready{"a1", soon}), ElementsAre("lease a1 p1/1"))
      << "the job ends before the gang would";
  EXPECT_THAT(handle(Ready{"a2", soon}), IsEmpty());
  EXPECT_THAT(finish("a1", "p1"), ElementsAre("settled a1 p1/1 accepted", "drain a1", "drain a2"));
  EXPECT_THAT(state.end_reason, HasSubstr("not enough nodes are left for a point that needs 16 GPUs"));
  events.clear();
  specs.clear();
  state = make_state(settings, specs);
}

// ---- the end of the sweep, restarts

TEST_F(CoreGangs, StopCancelsAllMembers) {
  add_gang(8, 8);
  begin_on(2);
  start("a1", "p0");
  EXPECT_THAT(handle(Stop{"Ctrl-C", Millis(10'000)}), ElementsAre("cancel a1 p0/1", "cancel a2 p0/1"));
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a2 p0/1", "cancel a1 p0/1"));
  EXPECT_THAT(finish("a1", "p0", 1, OutcomeKind::Cancelled),
              ElementsAre("settled a1 p0/1", "drain a1", "drain a2"));
  EXPECT_EQ(point("p0").state, PointState::Cancelled);
}

TEST_F(CoreGangs, MemberThatMissedItsLeaseGetsItAgain) {
  add_gang(8, 8);
  begin_on(2);
  handle(Recover{"v"});
  EXPECT_THAT(handle(Hello{agent_info("a2", "n2", 8, 2)}), ElementsAre("welcome a2", "lease a2 p0/1"));
  start("a1", "p0");
  EXPECT_THAT(handle(Hello{agent_info("a2", "n2", 8, 2)}), ElementsAre("welcome a2"));
  EXPECT_EQ(point("p0").state, PointState::Running);
}

TEST_F(CoreGangs, ResumeFreesAllMembers) {
  add_gang(8, 8);
  begin_on(2);
  handle(Resume{"v", "13", false, {}});
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_THAT(point("p0").attempts[0].members[1].ended, true);
  EXPECT_EQ(agent("a2").gpus_held, 0);
}

TEST_F(CoreGangs, EndOfAMemberIsReportedTwiceWithoutEffect) {
  add_gang(8, 8);
  begin_on(2);
  finish("a2", "p0", 1, OutcomeKind::ServerFailed);
  const std::size_t before = events.size();
  EXPECT_THAT(finish("a2", "p0", 1, OutcomeKind::ServerFailed), ElementsAre("settled a2 p0/1"));
  EXPECT_EQ(events.size(), before);
  join(agent_info("x", "n9", 8, 2));
  EXPECT_THAT(finish("x", "p0", 1, OutcomeKind::ServerFailed), ElementsAre("settled x p0/1"));
  EXPECT_THAT(rejected, HasSubstr("which was not leased to x"));
}

}  // namespace
}  // namespace sweep::core
