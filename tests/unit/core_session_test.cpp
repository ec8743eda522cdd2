// Sweeps across restarts: recovery, resume, spools, quarantined nodes, and the end of the job.
#include "controller/core/apply.hpp"
#include "controller/core/invariants.hpp"
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreSession : public CoreTest {
 protected:
  Messages resume(bool retry_failed = false, std::vector<std::string> withdrawn = {}) {
    return handle(Resume{"0.2.0", "13.0", retry_failed, std::move(withdrawn)});
  }
  Messages report_from_spool(const std::string& finder, const std::string& holder, const std::string& point,
                             int attempt = 1, OutcomeKind kind = OutcomeKind::Ok) {
    mark_seen(state, finder, now);
    return handle(AttemptFinished{finder, {point, attempt}, outcome_of(kind), Millis(1'500), holder});
  }
  /// The attempt fails because of infrastructure.
  void fail_on(const std::string& agent, const std::string& point, int attempt) {
    finish(agent, point, attempt, OutcomeKind::Infrastructure);
  }
  Messages ready_with_job_end(const std::string& agent, Instant end) {
    mark_seen(state, agent, now);
    return handle(Ready{agent, end});
  }
};

// ---- recovery

TEST_F(CoreSession, RecoveryRestartsTimeoutsAndKeepsRunningAttempts) {
  begin({1, 1});
  arrive("a", "n1", 1);
  start("a", "p0");
  now += settings.agent_timeout * 3;  // the controller was not running
  EXPECT_THAT(handle(Recover{"0.2.0"}), IsEmpty());
  EXPECT_FALSE(agent("a").gone);
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a"));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
  EXPECT_EQ(point("p0").attempts.size(), 1u) << "no attempt was repeated";
}

TEST_F(CoreSession, AgentThatDoesNotReconnectAfterRecoveryIsLostAfterItsTimeout) {
  begin({1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  handle(Recover{"0.2.0"});
  wait(settings.agent_timeout - Millis(1), {"b"});
  EXPECT_FALSE(agent("a").gone);
  EXPECT_THAT(wait(Millis(1), {"b"}), ElementsAre("lease b p0/2"));
}

TEST_F(CoreSession, UnsentLeaseIsSentWhenItsAgentReconnectsAfterRecovery) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Recover{"0.2.0"});
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a", "lease a p0/1"));
}

TEST_F(CoreSession, RecoveryRestartsTheJoinTimeout) {
  begin({8});
  arrive("a", "n1", 1, 2);
  now += settings.join_timeout * 2;
  handle(Recover{"0.2.0"});
  EXPECT_EQ(point("p0").state, PointState::Pending) << "the second agent may have enough GPUs";
  EXPECT_THAT(arrive("b", "n2", 8, 2), ElementsAre("lease b p0/1"));
}

TEST_F(CoreSession, StoppingSweepWaitsForItsAgentsAfterRecovery) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", Millis(10'000)});
  now += Millis(20'000);
  handle(Recover{"0.2.0"});
  EXPECT_EQ(state.phase, Phase::Stopping);
  EXPECT_THAT(heartbeat("a"), ElementsAre("lease a p0/1", "cancel a p0/1"));
}

// ---- resume

TEST_F(CoreSession, ResumeKeepsDonePointsAndRunsTheOthersOnNewAgents) {
  begin({1, 1, 1});
  arrive("a", "n1", 1);
  finish("a", "p0");
  start("a", "p1");
  EXPECT_THAT(resume(), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p1").state, PointState::Pending);
  EXPECT_EQ(point("p1").attempts[0].state, Attempt::State::Lost);
  EXPECT_EQ(point("p1").attempts[0].outcome->kind, OutcomeKind::Preempted);
  EXPECT_TRUE(agent("a").gone);
  EXPECT_THAT(arrive("b", "n7", 1), ElementsAre("lease b p1/2"));
  finish("b", "p1", 2);
  EXPECT_THAT(finish("b", "p2"), ElementsAre("settled b p2/1 accepted", "drain b complete"));
}

TEST_F(CoreSession, ResumeContinuesAStoppedSweep) {
  begin({1, 1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", Millis(0)});
  ASSERT_EQ(state.phase, Phase::Closed);
  resume();
  EXPECT_EQ(state.phase, Phase::Running);
  EXPECT_EQ(state.end_reason, "");
  arrive("b", "n2", 1);
  EXPECT_EQ(state.count(PointState::Leased), 1);
}

TEST_F(CoreSession, ResumeRetriesFailedPointsOnlyOnRequestWithAllRetries) {
  settings.benchmark_retries = 1;
  begin({1});
  arrive("a", "n1", 1);
  finish("a", "p0", 1, OutcomeKind::NoResult);
  finish("a", "p0", 2, OutcomeKind::NoResult);
  ASSERT_EQ(point("p0").state, PointState::Failed);
  resume();
  EXPECT_EQ(point("p0").state, PointState::Failed);
  EXPECT_EQ(point("p0").reason, "no-result: why");
  EXPECT_EQ(state.phase, Phase::Closed) << "nothing is left to do";
  resume(true);
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_THAT(arrive("b", "n2", 1), ElementsAre("lease b p0/3"));
  EXPECT_THAT(finish("b", "p0", 3, OutcomeKind::NoResult), ElementsAre("settled b p0/3", "lease b p0/4"));
}

TEST_F(CoreSession, WithdrawnPointsAreNotRunAndKeepTheirResults) {
  begin({1, 1, 1});
  arrive("a", "n1", 1);
  finish("a", "p0");
  resume(false, {"p0", "p1"});
  EXPECT_EQ(point("p0").state, PointState::Withdrawn);
  EXPECT_EQ(point("p1").state, PointState::Withdrawn);
  EXPECT_THAT(arrive("b", "n2", 1), ElementsAre("lease b p2/1"));
  EXPECT_THAT(finish("b", "p2"), ElementsAre("settled b p2/1 accepted", "drain b complete"));
  resume();
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p1").state, PointState::Pending);
}

TEST_F(CoreSession, ResultFromTheSpoolOfALostAgentIsAccepted) {
  begin({1, 1});
  arrive("a", "n1", 1);
  start("a", "p0");
  resume();
  arrive("b", "n1", 1);
  EXPECT_THAT(report_from_spool("b", "a", "p0"),
              testing::IsSupersetOf({"settled b p0/1 accepted", "cancel b p0/2"}));
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_TRUE(point("p0").attempts[0].accepted);
  EXPECT_THAT(report_from_spool("b", "a", "p0"), ElementsAre("settled b p0/1 accepted")) << "repeated";
}

TEST_F(CoreSession, SecondResultFromASpoolIsSuperseded) {
  begin({1, 1});
  arrive("a", "n1", 1);
  start("a", "p0");
  resume();
  arrive("b", "n2", 1);
  finish("b", "p0", 2);
  EXPECT_THAT(report_from_spool("b", "a", "p0"), testing::Contains("settled b p0/1"));
  EXPECT_FALSE(point("p0").attempts[0].accepted);
}

TEST_F(CoreSession, SpooledResultOfAnAttemptThatWasNeverLeasedIsRejected) {
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(report_from_spool("a", "x", "p0"), ElementsAre("settled a p0/1"));
  EXPECT_NE(rejected, "");
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreSession, SpooledEndDoesNotAffectANewAgentOfTheSameName) {
  begin({1, 1});
  arrive("a", "n1", 1);
  resume();
  AgentInfo again = agent_info("a", "n1", 1);
  again.pid = 200;
  join(again);
  EXPECT_THAT(ready("a"), ElementsAre("lease a p0/2"));
  EXPECT_THAT(report_from_spool("a", "a", "p0", 1, OutcomeKind::Preempted), ElementsAre("settled a p0/1"));
  EXPECT_FALSE(agent("a").leaving);
  EXPECT_THAT(finish("a", "p0", 2), ElementsAre("settled a p0/2 accepted", "lease a p1/1"));
}

TEST_F(CoreSession, RecoveryWithAClockThatIsBehindStillTimesOutAgents) {
  begin({1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  now -= std::chrono::hours(36);
  handle(Recover{"0.2.0"});
  EXPECT_THAT(wait(settings.agent_timeout, {"b"}), ElementsAre("lease b p0/2"));
}

// ---- nodes

TEST_F(CoreSession, NodeIsQuarantinedAfterConsecutiveFailures) {
  settings.node_failures = 2;
  settings.infrastructure_retries = 5;
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  fail_on("a", "p0", 1);
  ASSERT_EQ(point("p2").attempts.back().agent, "a");
  EXPECT_THAT(finish("a", "p2", 1, OutcomeKind::Infrastructure), ElementsAre("settled a p2/1"));
  EXPECT_EQ(state.nodes.at("n1").quarantine, "2 infrastructure failures in a row, last: why");
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
}

TEST_F(CoreSession, ResultResetsANodesFailures) {
  settings.node_failures = 2;
  settings.infrastructure_retries = 5;
  begin({1, 1, 1});
  arrive("a", "n1", 1);
  fail_on("a", "p0", 1);
  finish("a", "p0", 2);
  fail_on("a", "p1", 1);
  EXPECT_EQ(state.nodes.at("n1").quarantine, "");
  EXPECT_EQ(point("p1").state, PointState::Leased);
}

TEST_F(CoreSession, SweepClosesWhenItsLastNodeIsQuarantined) {
  settings.node_failures = 1;
  settings.infrastructure_retries = 5;
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Infrastructure), ElementsAre("settled a p0/1", "drain a"));
  EXPECT_EQ(state.end_reason,
            "no node is left; n1 is quarantined: 1 infrastructure failure in a row, last: why");
  EXPECT_EQ(point("p0").state, PointState::Pending);
}

TEST_F(CoreSession, ReinstatedAttemptIsNotCountedAgainstItsNode) {
  settings.node_failures = 2;
  settings.infrastructure_retries = 5;
  settings.join_timeout = Millis(3600000);
  begin({8});  // b has too few GPUs, so the point waits for a
  arrive("a", "n1", 8, 3);
  arrive("b", "n2", 1, 3);
  start("a", "p0");
  for (int i = 0; i < 3; ++i) {
    lose("a");
    ASSERT_EQ(state.nodes.at("n1").failures, 1);
    heartbeat("a");
    EXPECT_EQ(state.nodes.at("n1").failures, 0);
  }
  EXPECT_EQ(point("p0").state, PointState::Running);
}

TEST_F(CoreSession, ZeroNodeFailuresDisablesQuarantine) {
  settings.node_failures = 0;
  settings.infrastructure_retries = 20;
  begin({1});
  arrive("a", "n1", 1);
  for (int attempt = 1; attempt <= 20; ++attempt)
    fail_on("a", "p0", attempt);
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreSession, ResumeEndsQuarantines) {
  settings.node_failures = 1;
  settings.infrastructure_retries = 5;
  begin({1});
  arrive("a", "n1", 1);
  fail_on("a", "p0", 1);
  resume();
  EXPECT_THAT(arrive("b", "n1", 1), ElementsAre("lease b p0/2"));
}

// ---- the end of the job

TEST_F(CoreSession, PointsOfUnknownDurationAreLeasedUntilTheJobEnds) {
  begin({1, 1});
  join(agent_info("a", "n1", 1));
  EXPECT_THAT(ready_with_job_end("a", now + Millis(60'000)), ElementsAre("lease a p0/1"));
}

TEST_F(CoreSession, PointThatWouldOutlastTheJobIsNotLeased) {
  begin({1, 1, 1});
  join(agent_info("a", "n1", 1));
  ready_with_job_end("a", now + Millis(20'000));
  now += Millis(12'000);
  mark_seen(state, "a", now);
  EXPECT_THAT(handle(AttemptFinished{"a", {"p0", 1}, Outcome{}, Millis(12'000)}),
              ElementsAre("settled a p0/1 accepted", "drain a"));
  EXPECT_EQ(state.end_reason,
            "job 12 ends in 8 s, too soon for the remaining points (12 s each, as measured so far)");
  EXPECT_EQ(point("p1").state, PointState::Pending);
}

TEST_F(CoreSession, DeclaredTimeoutIsTheExpectedDurationUntilOneIsMeasured) {
  settings.expected = Millis(3'600'000);
  settings.margin = Millis(10'000);
  begin({1});
  join(agent_info("a", "n1", 1));
  EXPECT_THAT(ready_with_job_end("a", now + Millis(3'610'000)), ElementsAre("drain a"));
  EXPECT_EQ(state.end_reason,
            "job 12 ends in 60 min, too soon for the remaining points (60 min each, from timeouts.point)");
}

TEST_F(CoreSession, DurationsAreMeasuredByKind) {
  specs = {{"p0", 1, "long"}, {"p1", 1, "short"}, {"p2", 1, "long"}};
  state = make_state(settings, specs);
  join(agent_info("a", "n1", 1));
  ready_with_job_end("a", now + Millis(20'000));
  now += Millis(12'000);
  mark_seen(state, "a", now);
  EXPECT_THAT(handle(AttemptFinished{"a", {"p0", 1}, Outcome{}, Millis(12'000)}),
              ElementsAre("settled a p0/1 accepted", "lease a p1/1"));
  EXPECT_THAT(handle(AttemptFinished{"a", {"p1", 1}, Outcome{}, Millis(100)}),
              ElementsAre("settled a p1/1 accepted", "drain a"));
}

TEST_F(CoreSession, JobEndReportedByOneTaskAppliesToAllTasks) {
  settings.expected = Millis(60'000);
  begin({1});
  arrive("a", "n1", 1, 2);
  EXPECT_EQ(point("p0").state, PointState::Leased);
  join(agent_info("b", "n2", 1, 2));
  ready_with_job_end("b", now + Millis(30'000));
  finish("a", "p0", 1, OutcomeKind::Infrastructure);
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(state.end_reason, HasSubstr("job 12 ends in 30 s"));
}

TEST_F(CoreSession, LaterJobEndReplacesAnEarlierOne) {
  settings.expected = Millis(60'000);
  begin({1, 1});
  join(agent_info("a", "n1", 1, 2));
  EXPECT_THAT(ready_with_job_end("a", now + Millis(30'000)), IsEmpty());
  EXPECT_THAT(ready_with_job_end("a", now + Millis(120'000)), ElementsAre("lease a p0/1"));
  ready_with_job_end("a", now + Millis(1'000));
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted")) << "p1 would take 1.5 s, as p0 did";
}

TEST_F(CoreSession, OtherTasksWaitForTheFirstTaskToReportTheJobEnd) {
  settings.expected = Millis(60'000);
  begin({1, 1});
  AgentInfo second = agent_info("b", "n2", 1, 2);
  second.task = 1;
  join(second);
  EXPECT_THAT(handle(Ready{"b"}), IsEmpty());
  join(agent_info("a", "n1", 1, 2));
  EXPECT_THAT(ready_with_job_end("a", now + Millis(120'000)), ElementsAre("lease b p0/1", "lease a p1/1"));
}

TEST_F(CoreSession, WaitForTheJobEndIsLimited) {
  begin({1});
  AgentInfo second = agent_info("b", "n2", 1, 2);
  second.task = 1;
  join(second);
  handle(Ready{"b"});
  const auto due = next_deadline(state, now);
  ASSERT_TRUE(due);
  EXPECT_EQ(*due, now + Millis(15'000));
  now = *due;
  EXPECT_THAT(handle(Tick{}), ElementsAre("lease b p0/1"));
}

// ---- a damaged journal

TEST_F(CoreSession, SalvagedResultCountsWithoutTheEventsOfItsAttempt) {
  begin({1, 1});
  const Event event{now, Salvaged{{"p0", 3}, "n9"}};
  apply(state, event);
  events.push_back(event);
  EXPECT_THAT(check_invariants(state), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p0").attempts.size(), 3u);
  resume();
  EXPECT_THAT(arrive("a", "n1", 1), ElementsAre("lease a p1/1"));
}

TEST(RunningMedian, IsTheLowerMiddleValue) {
  RunningMedian median;
  EXPECT_EQ(median.value(), std::nullopt);
  std::multiset<Millis> all;
  for (const int value : {5, 1, 9, 9, 3, 0, 7, 2, 2, 8, 100, -4}) {
    median.add(Millis(value));
    all.insert(Millis(value));
    EXPECT_EQ(median.value(), *std::next(all.begin(), static_cast<std::ptrdiff_t>((all.size() - 1) / 2)));
  }
}

}  // namespace
}  // namespace sweep::core
