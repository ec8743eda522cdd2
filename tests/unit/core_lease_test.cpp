// Leases: which agent gets which point, and when.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreLease : public CoreTest {};

TEST_F(CoreLease, LargestDemandIsLeasedFirstThenMatrixOrder) {
  begin({1, 8, 4, 8, 4});
  EXPECT_THAT(arrive("a", "n1", 8), ElementsAre("lease a p1/1"));
  EXPECT_THAT(finish("a", "p1"), ElementsAre("settled a p1/1 accepted", "lease a p3/1"));
  EXPECT_THAT(finish("a", "p3"), ElementsAre("settled a p3/1 accepted", "lease a p2/1"));
  EXPECT_THAT(finish("a", "p2"), ElementsAre("settled a p2/1 accepted", "lease a p4/1"));
  EXPECT_THAT(finish("a", "p4"), ElementsAre("settled a p4/1 accepted", "lease a p0/1"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "drain a complete"));
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_TRUE(complete(state));
}

TEST_F(CoreLease, AgentGetsOneLeaseAndOnlyAfterReady) {
  begin({1, 1});
  EXPECT_THAT(join(agent_info("a", "n1", 8)), ElementsAre("welcome a"));
  EXPECT_THAT(ready("a"), ElementsAre("lease a p0/1"));
  EXPECT_THAT(start("a", "p0"), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_EQ(point("p1").state, PointState::Pending);
}

TEST_F(CoreLease, WithoutPackingANodeRunsOnePointAtATime) {
  begin({1, 1, 0});
  EXPECT_THAT(arrive("a", "n1", 8), ElementsAre("lease a p0/1"));
  EXPECT_THAT(heartbeat("a"), ElementsAre("lease a p0/1"));  // repeated, no further lease
}

TEST_F(CoreLease, PackingFillsTheNode) {
  settings.pack_gpus = true;
  begin({4, 4, 2, 1});
  EXPECT_THAT(arrive("a", "n1", 8), ElementsAre("lease a p0/1", "lease a p1/1"));
  EXPECT_EQ(agent("a").gpus_held, 8);
  EXPECT_THAT(finish("a", "p1"), ElementsAre("settled a p1/1 accepted", "lease a p2/1", "lease a p3/1"));
  EXPECT_EQ(agent("a").gpus_held, 7);
}

TEST_F(CoreLease, PackingLeasesSmallerPointsIfTheLargestDoesNotFit) {
  settings.pack_gpus = true;
  begin({6, 4, 2});
  EXPECT_THAT(arrive("a", "n1", 8), ElementsAre("lease a p0/1", "lease a p2/1"));
}

TEST_F(CoreLease, PackingGivesAPointWithoutGpusTheWholeNode) {
  settings.pack_gpus = true;
  begin({1, 0, 0});
  EXPECT_THAT(arrive("a", "n1", 2), ElementsAre("lease a p0/1"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
  EXPECT_THAT(finish("a", "p1"), ElementsAre("settled a p1/1 accepted", "lease a p2/1"));
}

TEST_F(CoreLease, AgentsWithoutGpusRunPointsThatNeedNone) {
  begin({0, 0});
  EXPECT_THAT(arrive("a", "n1", 0), ElementsAre("lease a p0/1"));
}

// To test the choice between free agents, the point is first leased to a third agent, which returns it.
TEST_F(CoreLease, PointGoesToTheAgentWithTheFewestSufficientFreeGpus) {
  begin({4});
  join(agent_info("big", "n1", 8, 4));
  join(agent_info("tiny", "n2", 2, 4));
  join(agent_info("small", "n3", 4, 4));
  arrive("first", "n4", 4, 4);
  for (const char* id : {"big", "tiny", "small"})
    EXPECT_THAT(ready(id), IsEmpty());
  EXPECT_THAT(finish("first", "p0", 1, OutcomeKind::Preempted),
              ElementsAre("settled first p0/1", "lease small p0/2"));
}

TEST_F(CoreLease, FreeGpusAreComparedNotTotalGpus) {
  settings.pack_gpus = true;
  begin({6, 2, 2});
  join(agent_info("half", "n1", 8, 3));
  join(agent_info("small", "n2", 4, 3));
  arrive("first", "n3", 4, 3);  // p1 and p2
  EXPECT_THAT(ready("half"), ElementsAre("lease half p0/1"));
  EXPECT_THAT(ready("small"), IsEmpty());
  EXPECT_THAT(finish("first", "p1", 1, OutcomeKind::Preempted),
              ElementsAre("settled first p1/1", "lease half p1/2"));
}

TEST_F(CoreLease, EquallyFreeAgentsAreTakenInJoinOrder) {
  begin({4});
  join(agent_info("z", "n1", 4, 3));
  join(agent_info("a", "n2", 4, 3));
  arrive("first", "n3", 4, 3);
  ready("a");
  ready("z");
  EXPECT_THAT(finish("first", "p0", 1, OutcomeKind::Preempted),
              ElementsAre("settled first p0/1", "lease z p0/2"));
}

TEST_F(CoreLease, SecondAgentOnANodeIsASpare) {
  begin({8, 8});
  EXPECT_THAT(arrive("a", "n1", 8, 2), ElementsAre("lease a p0/1"));
  EXPECT_THAT(arrive("b", "n1", 8, 2), IsEmpty());
  EXPECT_TRUE(is_spare(state, agent("b")));
  EXPECT_FALSE(is_spare(state, agent("a")));
  EXPECT_THAT(handle(Goodbye{"a", "ends"}), ElementsAre("lease b p0/2"));
  EXPECT_FALSE(is_spare(state, agent("b")));
}

TEST_F(CoreLease, OfTwoAgentsOnANodeTheOneWithMoreGpusTakesPrecedence) {
  begin({1, 8, 4});
  EXPECT_THAT(arrive("a", "n1", 4, 2), ElementsAre("lease a p2/1"));
  EXPECT_THAT(arrive("b", "n1", 8, 2), IsEmpty()) << "the node is busy";
  EXPECT_THAT(finish("a", "p2"), ElementsAre("settled a p2/1 accepted", "lease b p1/1"));
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/1"));
}

TEST_F(CoreLease, AgentsOnANodeWithDisjointGpusBothGetWork) {
  settings.pack_gpus = true;
  begin({4, 4});
  AgentInfo second = agent_info("b", "n1", 4, 2);
  second.gpus = gpu_names(4, 4);
  EXPECT_THAT(arrive("a", "n1", 4, 2), ElementsAre("lease a p0/1"));
  join(second);
  EXPECT_THAT(ready("b"), ElementsAre("lease b p1/1"));
}

TEST_F(CoreLease, AgentsOnANodeThatShareAGpuDoNotBothGetWork) {
  settings.pack_gpus = true;
  begin({4, 4});
  AgentInfo second = agent_info("b", "n1", 4, 2);
  second.gpus = gpu_names(4, 3);
  arrive("a", "n1", 4, 2);
  join(second);
  EXPECT_THAT(ready("b"), IsEmpty());
}

TEST_F(CoreLease, ReturningAgentWaitsUntilTheSparesAttemptHasEnded) {
  begin({8, 8, 8});
  arrive("a", "n1", 8, 2);
  arrive("b", "n1", 8, 2);
  finish("a", "p0", 1, OutcomeKind::Ok);
  EXPECT_THAT(lose("a"), ElementsAre("lease b p1/2"));
  EXPECT_THAT(finish("b", "p1", 2), ElementsAre("settled b p1/2 accepted", "lease b p2/1"));
  // a still holds p1/1, which is no longer needed; the node belongs to b until p2 has ended.
  EXPECT_THAT(heartbeat("a"), ElementsAre("lease a p1/1", "cancel a p1/1"));
  EXPECT_THAT(finish("a", "p1", 1, OutcomeKind::Cancelled), ElementsAre("settled a p1/1"));
  EXPECT_TRUE(agent("a").held.empty());
  EXPECT_TRUE(is_spare(state, agent("a")));
  EXPECT_THAT(finish("b", "p2", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled b p2/1", "lease a p2/2"));
}

TEST_F(CoreLease, PointTooLargeForEveryNodeFailsAndTheOthersRun) {
  begin({8, 4, 16});
  join(agent_info("a", "n1", 4, 2));
  EXPECT_THAT(ready("a"), ElementsAre("lease a p1/1"));
  EXPECT_EQ(point("p0").state, PointState::Pending) << "an agent with 8 GPUs may still join";
  arrive("b", "n2", 8, 2);
  EXPECT_EQ(point("p2").state, PointState::Failed);
  EXPECT_EQ(point("p2").reason, "needs 16 GPUs; the largest node, n2, has 8");
  EXPECT_EQ(point("p0").state, PointState::Leased);
  finish("a", "p1");
  EXPECT_THAT(finish("b", "p0"), ElementsAre("settled b p0/1 accepted", "drain a", "drain b"));
  EXPECT_FALSE(complete(state));
}

TEST_F(CoreLease, AnnouncedAgentsAreWaitedForUntilTheJoinTimeout) {
  begin({8, 0});
  arrive("a", "n1", 4, 2);
  EXPECT_EQ(next_deadline(state, now), now + settings.join_timeout);
  wait(settings.join_timeout - Millis(1), {"a"});
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_EQ(next_deadline(state, now), now + Millis(1));
  wait(Millis(1), {"a"});
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p1").state, PointState::Leased);
}

TEST_F(CoreLease, ReasonNamesTheRemedyIfNoNodeHasGpus) {
  begin({8});
  arrive("a", "n1", 0);
  EXPECT_EQ(point("p0").reason,
            "needs 8 GPUs; the largest node, n1, has 0; ask Slurm for GPUs (--gpus-per-node=8), or set "
            "'gpus: ignore' in the profile");
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreLease, PointsOfALargeNodeThatIsGoneStayPendingWhileOthersRun) {
  begin({8, 4, 4});
  arrive("big", "n1", 8, 2);
  arrive("small", "n2", 4, 2);
  EXPECT_THAT(lose("big"), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_THAT(heartbeat("big"), ElementsAre("lease big p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
  EXPECT_THAT(lose("big"), IsEmpty());
  finish("small", "p1");
  EXPECT_THAT(finish("small", "p2"), ElementsAre("settled small p2/1 accepted", "drain small"));
  EXPECT_EQ(point("p0").state, PointState::Pending) << "a resume with such a node can still run it";
  EXPECT_EQ(state.end_reason, "no node with 8 GPUs is left; n1 is gone: no message for 45 s");
}

TEST_F(CoreLease, RetryAvoidsANodeThatFailedIfThereIsAnother) {
  begin({4, 4});
  arrive("a", "n1", 4, 2);
  arrive("b", "n2", 4, 2);
  // p0 is not leased to n1 again although n1 is free: it waits for n2.
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure), ElementsAre("settled a p0/1"));
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
}

TEST_F(CoreLease, RetryUsesANodeThatFailedIfThereIsNoOther) {
  begin({4});
  arrive("a", "n1", 4);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled a p0/1", "lease a p0/2"));
}

TEST_F(CoreLease, RetryIgnoresNodesThatAreTooSmall) {
  begin({4});
  arrive("a", "n1", 4, 2);
  arrive("b", "n2", 2, 2);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled a p0/1", "lease a p0/2"));
}

TEST_F(CoreLease, RetryUsesAnyNodeIfAllHaveFailed) {
  begin({4});
  arrive("a", "n1", 4, 2);
  arrive("b", "n2", 4, 2);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled a p0/1", "lease b p0/2"));
  EXPECT_THAT(finish("b", "p0", 2, OutcomeKind::Infrastructure),
              ElementsAre("settled b p0/2", "lease a p0/3"));
}

TEST(CoreState, StateWordNamesEachState) {
  EXPECT_EQ(state_word(PointState::Pending), "pending");
  EXPECT_EQ(state_word(PointState::Leased), "leased");
  EXPECT_EQ(state_word(PointState::Running), "running");
  EXPECT_EQ(state_word(PointState::Done), "done");
  EXPECT_EQ(state_word(PointState::Failed), "failed");
  EXPECT_EQ(state_word(PointState::Cancelled), "cancelled");
}

TEST(CoreState, AnEmptySweepIsCompleteAtOnce) {
  State state = make_state({}, {});
  advance(state, Tick{}, from_unix_ms(1));
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_TRUE(complete(state));
}

TEST(CoreState, NoDeadlineBeforeTheFirstAgent) {
  const State state = make_state({}, {{"p0", 1}});
  EXPECT_EQ(next_deadline(state, from_unix_ms(1)), std::nullopt);
  EXPECT_THAT(decide(state, Tick{}, from_unix_ms(1'000'000'000)).events, IsEmpty());
}

}  // namespace
}  // namespace sweep::core
