// The ends of attempts: outcomes, retries, and late results.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreEnds : public CoreTest {
 protected:
  /// p0 on a (n1), lost there, then leased to b (n2) as attempt 2.
  void lose_first_attempt() {
    begin({1, 1});
    arrive("a", "n1", 1, 2);
    arrive("b", "n2", 1, 2);
    start("a", "p0");
    lose("a");
    finish("b", "p1");
    ASSERT_EQ(point("p0").attempts.size(), 2u);
  }
};

TEST_F(CoreEnds, OkResultIsAcceptedAndTheAttemptRecordsItsTimes) {
  begin({1});
  arrive("a", "n1", 1);
  const Instant leased = now;
  now += Millis(10);
  start("a", "p0");
  now += Millis(20);
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "drain a complete"));
  const Attempt& attempt = point("p0").attempts[0];
  EXPECT_EQ(attempt.leased, leased);
  EXPECT_EQ(attempt.started, leased + Millis(10));
  EXPECT_EQ(attempt.ended, leased + Millis(30));
  EXPECT_EQ(attempt.wall, Millis(1'500));
  EXPECT_EQ(attempt.pid, 4711);
  EXPECT_EQ(attempt.node, "n1");
  EXPECT_TRUE(attempt.accepted);
}

TEST_F(CoreEnds, FinishedWithoutStartedEndsTheAttempt) {
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::BenchmarkFailed), ElementsAre("settled a p0/1", "drain a"));
  EXPECT_EQ(point("p0").attempts[0].started, std::nullopt);
}

TEST_F(CoreEnds, RepeatedFinishedIsSettledAgainAndCountsOnce) {
  begin({1, 1});
  arrive("a", "n1", 1);
  finish("a", "p0");
  const std::size_t before = events.size();
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted"));
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::NoResult), ElementsAre("settled a p0/1 accepted"));
  EXPECT_EQ(events.size(), before);
  finish("a", "p1", 1, OutcomeKind::NoResult);
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(finish("a", "p1", 1, OutcomeKind::NoResult), ElementsAre("settled a p1/1"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted"));
}

TEST_F(CoreEnds, RepeatedOrLateStartedChangesNothing) {
  begin({1, 1});
  arrive("a", "n1", 1);
  start("a", "p0");
  const std::size_t before = events.size();
  EXPECT_THAT(start("a", "p0"), IsEmpty());
  EXPECT_EQ(events.size(), before);
  finish("a", "p0");
  start("a", "p0");
  EXPECT_EQ(rejected, "");
  EXPECT_EQ(point("p0").state, PointState::Done);
}

TEST_F(CoreEnds, BenchmarkFailuresAreFinalByDefault) {
  for (const OutcomeKind kind : {OutcomeKind::BenchmarkFailed, OutcomeKind::NoResult,
                                 OutcomeKind::InvalidResult, OutcomeKind::TimedOut}) {
    specs.clear();
    events.clear();
    begin({1, 1});
    arrive("a", "n1", 1);
    EXPECT_THAT(finish("a", "p0", 1, kind), ElementsAre("settled a p0/1", "lease a p1/1"));
    EXPECT_EQ(point("p0").state, PointState::Failed);
    EXPECT_EQ(point("p0").reason, describe(outcome_of(kind, "why")));
  }
}

TEST_F(CoreEnds, BenchmarkFailuresAreRetriedUpToTheSetting) {
  settings.benchmark_retries = 2;
  settings.infrastructure_retries = 0;
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::NoResult), ElementsAre("settled a p0/1", "lease a p0/2"));
  EXPECT_EQ(point("p0").reason, "");
  EXPECT_THAT(finish("a", "p0", 2, OutcomeKind::TimedOut), ElementsAre("settled a p0/2", "lease a p0/3"));
  EXPECT_THAT(finish("a", "p0", 3, OutcomeKind::BenchmarkFailed), ElementsAre("settled a p0/3", "drain a"));
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_TRUE(point("p0").bad_nodes.empty()) << "the node is not to blame";
}

TEST_F(CoreEnds, InfrastructureFailuresHaveTheirOwnLimit) {
  settings.benchmark_retries = 1;
  settings.infrastructure_retries = 1;
  begin({1});
  arrive("a", "n1", 1);
  finish("a", "p0", 1, OutcomeKind::Infrastructure);
  finish("a", "p0", 2, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(point("p0").state, PointState::Leased);
  finish("a", "p0", 3, OutcomeKind::Infrastructure);
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason, "infrastructure: why");
}

TEST_F(CoreEnds, LostAgentsCountAsInfrastructureFailures) {
  settings.infrastructure_retries = 1;
  begin({1, 1});
  arrive("a", "n1", 1, 3);
  arrive("b", "n2", 1, 3);
  arrive("c", "n3", 1, 3);
  lose("a");
  ASSERT_EQ(point("p0").attempts.back().agent, "c");
  lose("c");
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason, "infrastructure: agent on n3 is gone: no message for 45 s");
}

TEST_F(CoreEnds, PreemptedCostsNoRetryAndItsAgentGetsNoMoreWork) {
  settings.infrastructure_retries = 0;
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Preempted), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_EQ(point("p0").infrastructure_failures, 0);
  EXPECT_THAT(heartbeat("a"), IsEmpty());
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
  EXPECT_THAT(finish("b", "p0", 2, OutcomeKind::Preempted),
              ElementsAre("settled b p0/2", "drain a", "drain b"));
  EXPECT_EQ(state.end_reason, "no node is left; n1 and n2 are gone: why");
}

TEST_F(CoreEnds, PointIsCancelledIfItsAgentReportsCancelled) {
  begin({1, 1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Cancelled), ElementsAre("settled a p0/1", "lease a p1/1"));
  EXPECT_EQ(point("p0").state, PointState::Cancelled);
  EXPECT_EQ(point("p0").reason, "cancelled: why");
}

TEST_F(CoreEnds, LateResultIsAcceptedIfThePointHasNone) {
  lose_first_attempt();
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("cancel a p0/1", "settled a p0/1 accepted", "cancel b p0/2"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(state.phase, Phase::Running) << "b has not reported the end of its attempt yet";
  // The other attempt reports a result, too: it is superseded.
  EXPECT_THAT(finish("b", "p0", 2), ElementsAre("settled b p0/2", "drain a complete", "drain b complete"));
  EXPECT_FALSE(point("p0").attempts[1].accepted);
  EXPECT_EQ(point("p0").attempts[1].outcome->kind, OutcomeKind::Ok);
}

TEST_F(CoreEnds, LateResultIsSupersededIfThePointHasOne) {
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  finish("b", "p1");
  finish("b", "p0", 2);
  ASSERT_EQ(state.phase, Phase::Running);
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("cancel a p0/1", "settled a p0/1"));
  EXPECT_FALSE(point("p0").attempts[0].accepted);
}

TEST_F(CoreEnds, LateFailureChangesNothing) {
  lose_first_attempt();
  heartbeat("a");
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
  EXPECT_EQ(point("p0").infrastructure_failures, 1) << "counted when it was lost, not again";
  EXPECT_EQ(point("p0").benchmark_failures, 0);
}

TEST_F(CoreEnds, LateResultCompletesAFailedPoint) {
  settings.infrastructure_retries = 0;
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  ASSERT_EQ(point("p0").state, PointState::Failed);
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p0").reason, "");
}

// The attempt may have run for hours on eight GPUs, and its point failed only because its agent was silent.
TEST_F(CoreEnds, PointThatFailedWithItsAgentIsReinstatedWhenTheAgentReturns) {
  settings.infrastructure_retries = 0;
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  ASSERT_EQ(point("p0").state, PointState::Failed);
  EXPECT_THAT(heartbeat("a"), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_EQ(point("p0").reason, "");
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::NoResult), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason, "no-result: why");
}

TEST_F(CoreEnds, CancelOfAnUnstartedLeaseIsRepeatedTogetherWithTheLease) {
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
  EXPECT_THAT(finish("a", "p0", 1),
              ElementsAre("cancel a p0/1", "settled a p0/1 accepted", "cancel b p0/2", "lease a p2/1"));
  // b's connection was cut: neither lease nor cancel arrived.
  EXPECT_THAT(heartbeat("b"), ElementsAre("lease b p0/2", "cancel b p0/2"));
  EXPECT_THAT(finish("b", "p0", 2, OutcomeKind::Cancelled), ElementsAre("settled b p0/2"));
  EXPECT_TRUE(agent("b").held.empty());
}

TEST_F(CoreEnds, StartedAfterALateResultKeepsThePointDone) {
  lose_first_attempt();
  finish("a", "p0", 1);
  EXPECT_THAT(start("b", "p0", 2), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p0").attempts[1].state, Attempt::State::Running);
  EXPECT_THAT(heartbeat("b"), ElementsAre("cancel b p0/2"));
  EXPECT_THAT(finish("b", "p0", 2, OutcomeKind::Cancelled),
              ElementsAre("settled b p0/2", "drain a complete", "drain b complete"));
}

TEST_F(CoreEnds, LossOfASupersededAttemptIsNotCounted) {
  lose_first_attempt();
  finish("a", "p0", 1);
  lose("b");
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p0").infrastructure_failures, 1);
  EXPECT_EQ(state.phase, Phase::Closed);
}

// The fixture compares the state with the replayed one, so both must have the shortened text.
TEST_F(CoreEnds, ReasonsAreStoredAsTheJournalReturnsThem) {
  begin({1, 1});
  arrive("a", "n1", 1);
  finish("a", "p0", 1, outcome_of(OutcomeKind::NoResult, "\x1b[2J \xff" + std::string(10'000, 'x')));
  EXPECT_THAT(point("p0").reason, testing::StartsWith("no-result: ?[2J ?xxx"));
  handle(Stop{"\x1b\xff", Millis(0)});
  EXPECT_EQ(state.end_reason, "??");
}

TEST_F(CoreEnds, ResultAfterTheSweepClosedIsAcceptedIfItWasMissing) {
  begin({1});
  arrive("a", "n1", 1);
  lose("a");
  ASSERT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted"));
}

TEST_F(CoreEnds, FailureAfterTheSweepClosedChangesNothing) {
  begin({1});
  arrive("a", "n1", 1);
  lose("a");
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::NoResult), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Pending);
}

// ---- results that are not valid

class CoreInvalid : public CoreTest {
 protected:
  Messages finish_invalid(const std::string& agent, const std::string& point, int attempt) {
    AttemptFinished command{agent, {point, attempt}, outcome_of(OutcomeKind::Ok), Millis(1'500)};
    command.invalid = {"client-bound: why"};
    return handle(command);
  }
};

TEST_F(CoreInvalid, ResultIsAcceptedWithoutRetry) {
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish_invalid("a", "p0", 1),
              ElementsAre("settled a p0/1 accepted", "drain a complete invalid"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_THAT(point("p0").attempts[0].invalid, ElementsAre("client-bound: why"));
}

TEST_F(CoreInvalid, LastDrainTellsAgentsUnlessTheProfileIsNotStrict) {
  for (const bool strict : {true, false}) {
    settings.strict = strict;
    specs.clear();
    events.clear();
    begin({8});
    arrive("a", "n1", 8);
    finish_invalid("a", "p0", 1);
    EXPECT_EQ(invalid_points(state), 1);
    const std::string drain = std::string("drain a complete") + (strict ? " invalid" : "");
    EXPECT_THAT(heartbeat("a"), ElementsAre(drain));
    EXPECT_THAT(join(agent_info("late", "n2", 8)),
                ElementsAre(std::string("drain late complete") + (strict ? " invalid" : "")));
  }
}

TEST_F(CoreInvalid, ResultIsRetriedAndReplacedByAValidOne) {
  settings.invalid_retries = 2;
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish_invalid("a", "p0", 1), ElementsAre("settled a p0/1 accepted", "lease a p0/2"));
  EXPECT_THAT(finish_invalid("a", "p0", 2), ElementsAre("settled a p0/2", "lease a p0/3"));
  EXPECT_THAT(finish("a", "p0", 3), ElementsAre("settled a p0/3 accepted", "drain a complete"));
  EXPECT_FALSE(point("p0").attempts[0].accepted);
  EXPECT_TRUE(point("p0").attempts[2].accepted);
}

TEST_F(CoreInvalid, ResultIsKeptIfNoRetryGivesAValidOne) {
  settings.invalid_retries = 1;
  begin({1, 1, 1});
  arrive("a", "n1", 1);
  finish_invalid("a", "p0", 1);
  finish_invalid("a", "p0", 2);  // not valid either, and no more tries
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_TRUE(point("p0").attempts[0].accepted);
  finish_invalid("a", "p1", 1);
  finish("a", "p1", 2, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(point("p1").state, PointState::Done);
  EXPECT_EQ(point("p1").reason, "");
  finish_invalid("a", "p2", 1);
  handle(Stop{"ctrl-c", Millis(1'000)});
  finish("a", "p2", 2, OutcomeKind::Cancelled);
  EXPECT_EQ(point("p2").state, PointState::Done);
  EXPECT_TRUE(complete(state));
}

TEST_F(CoreInvalid, ResultIsReplacedByALateValidOne) {
  settings.invalid_retries = 1;
  begin({1});
  arrive("a", "n1", 1, 2);
  start("a", "p0");
  arrive("b", "n2", 1, 2);
  EXPECT_THAT(lose("a"), ElementsAre("lease b p0/2"));
  EXPECT_THAT(finish_invalid("b", "p0", 2), ElementsAre("settled b p0/2 accepted", "lease b p0/3"));
  // The written-off attempt reports a valid result, so the attempt on b is cancelled.
  heartbeat("a");
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted", "cancel b p0/3"));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_FALSE(point("p0").attempts[1].accepted);
}

TEST_F(CoreInvalid, ResultIsNotRetriedByAResume) {
  settings.invalid_retries = 1;
  begin({1});
  arrive("a", "n1", 1);
  finish_invalid("a", "p0", 1);
  handle(Resume{"0.1.0", "13.0", false, {}});
  EXPECT_EQ(point("p0").state, PointState::Done);
}

}  // namespace
}  // namespace sweep::core
