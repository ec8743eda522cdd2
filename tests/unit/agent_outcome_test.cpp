// agent/core: how attempts end: results, failures, time limits, cancellation, signals, and the steps of
// killing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::HasSubstr;

/// Leases and starts attempt "p".
ScriptedAgent& running(ScriptedAgent& agent, wire::Timeouts timeouts = {}) {
  agent.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = timeouts;
  agent.receive(lease);
  agent.start("p");
  return agent;
}

// ---- results

TEST(AgentOutcome, MissingResultFileIsReportedWithItsPath) {
  ScriptedAgent agent;
  running(agent).exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::NoResult);
  EXPECT_EQ(agent.outcome().reason,
            "the benchmark exited 0 but did not create '/home/u/result_p.json'; it must write its client's "
            "result there (\"$RESULT_FILENAME.json\" in its working directory)");
  EXPECT_EQ(agent.outcome().exit_code, 0);
}

TEST(AgentOutcome, UnchangedOldResultFileDoesNotCount) {
  ScriptedAgent agent;
  agent.leave_result("p", "{old}");
  running(agent).exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("which existed before it started"));
}

TEST(AgentOutcome, RewrittenOldResultFileCounts) {
  ScriptedAgent agent;
  agent.leave_result("p", "{old}");
  running(agent).leave_result("p", "{new}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.sent.back().bulk, "{new}");
}

TEST(AgentOutcome, EmptyHugeOrUnreadableResultFilesDoNotCount) {
  ScriptedAgent empty;
  running(empty).leave_result("p", "");
  empty.exit("p");
  EXPECT_EQ(empty.outcome().kind, OutcomeKind::NoResult);

  ScriptedAgent folder;
  running(folder).leave_result("p", "x");
  folder.files.begin()->second.problem = "cannot read it: not a regular file";
  folder.exit("p");
  EXPECT_EQ(folder.outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(folder.outcome().reason, HasSubstr("not a regular file"));

  ScriptedAgent huge;
  running(huge).leave_result("p", "");
  huge.files.begin()->second.stamp->bytes = wire::kMaxBulkBytes + 1;
  huge.exit("p");
  EXPECT_EQ(huge.outcome().kind, OutcomeKind::InvalidResult);
  EXPECT_THAT(huge.outcome().reason, HasSubstr("67108865"));
}

TEST(AgentOutcome, FailureQuotesTheLastLineOfStandardError) {
  ScriptedAgent agent;
  running(agent).print("p", "fine\n");
  agent.print("p", "Traceback:\n  RuntimeError: out of \x1bmemory\n\n", true);
  agent.feed(LeaderExited{{"p", 1}, {3, {}}});
  agent.print("p", " 10%|#  | 1/10 [\r", true);  // a bar is not a reason, even if it comes last
  agent.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.outcome().exit_code, 3);
  EXPECT_EQ(agent.outcome().reason, "RuntimeError: out of ?memory");
  EXPECT_EQ(agent.outcome().phase, "benchmark");
}

TEST(AgentOutcome, FailureWithAResultFileIsAFailure) {
  ScriptedAgent agent;
  running(agent).leave_result("p", "{}");
  agent.exit("p", {{}, SIGSEGV});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.outcome().signal, SIGSEGV);
}

TEST(AgentOutcome, StartFailureDecidesTheOutcome) {
  ScriptedAgent agent;
  agent.join();
  agent.receive(ScriptedAgent::lease("p"));
  agent.feed(StartFailed{{"p", 1}, "cannot start 'bench': not found in PATH"});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.outcome().phase, "start");
  EXPECT_EQ(agent.outcome().reason, "cannot start 'bench': not found in PATH");
  EXPECT_TRUE(agent.messages<wire::Started>().empty());

  ScriptedAgent readonly;
  readonly.join();
  readonly.driver_is_slow = true;  // it answers Prepare with StartFailed
  readonly.receive(ScriptedAgent::lease("p"));
  readonly.driver_is_slow = false;
  readonly.feed(StartFailed{{"p", 1}, "cannot write to '/x/'"});
  EXPECT_EQ(readonly.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(readonly.outcome().phase, "start");

  ScriptedAgent poor;
  poor.join();
  poor.receive(ScriptedAgent::lease("p"));
  poor.feed(NotPrepared{{"p", 1}, "no more pipes"});
  EXPECT_EQ(poor.outcome().kind, OutcomeKind::Infrastructure);
}

// ---- time limits

TEST(AgentDeadline, EndsAServerThatIsNotReady) {
  ScriptedAgent agent;
  running(agent, {3'600'000, 1'000, 10'000'000});
  agent.print("p", "INFO 11-30 [api_server.py:1839] vLLM API server version 0.11.0\n");
  agent.pass(Millis(3'599'999));
  EXPECT_TRUE(agent.signals.empty());
  agent.pass(Millis(1));
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.signals[0].kill);
  EXPECT_TRUE(agent.messages<wire::Finished>().empty());  // its processes are still alive
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.outcome().phase, "server");
  EXPECT_EQ(agent.outcome().reason,
            "the server was not ready within 60 min (timeouts: server); if it prints another line when it is "
            "ready, set script: { ready: REGEX } in the profile");
}

TEST(AgentDeadline, EndsABenchmarkThatDoesNotEnd) {
  ScriptedAgent agent;
  running(agent, {60'000, 90'000, 0}).pass(Millis(50'000));
  agent.print("p", "INFO: Application startup complete.\n");
  agent.pass(Millis(89'999));
  EXPECT_TRUE(agent.signals.empty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.exit("p", {0, {}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.outcome().phase, "benchmark");
  EXPECT_THAT(agent.outcome().reason, HasSubstr("within 90 s"));
}

TEST(AgentDeadline, EndsAPointThatDoesNotEnd) {
  ScriptedAgent agent;
  running(agent, {0, 100'000, 60'000}).pass(Millis(40'000));
  agent.print("p", "Application startup complete", true);
  agent.pass(Millis(20'000));
  agent.exit("p", {1, {}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("point did not end within 1 min"));
}

TEST(AgentDeadline, ProgressBarIsNotReadinessAndZeroMeansNoLimit) {
  ScriptedAgent agent;
  running(agent, {60'000, 0, 0}).print("p", "vLLM API server version 0.11.0\n 50%|#####     | 5/10 [");
  agent.pass(Millis(60'000));
  EXPECT_EQ(agent.signals.size(), 1u);

  ScriptedAgent unlimited;
  running(unlimited).pass(std::chrono::hours(1000));
  EXPECT_TRUE(unlimited.signals.empty());
}

TEST(AgentDeadline, ExitBeforeTheLimitCounts) {
  ScriptedAgent agent;
  running(agent, {0, 0, 1'000}).leave_result("p", "{}");
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});
  agent.pass(Millis(2'000));  // other processes of its group end later
  agent.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

// ---- killing

TEST(AgentKill, TermThenKillAfterTheGraceTimeThenGivesUp) {
  ScriptedAgent agent;
  running(agent).receive(wire::Cancel{{"p", 1}, "enough"});
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.signals[0].kill);
  agent.pass(Millis(4'999));
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.pass(Millis(1));
  ASSERT_EQ(agent.signals.size(), 2u);
  EXPECT_TRUE(agent.signals[1].kill);
  agent.pass(Millis(4'999));
  EXPECT_TRUE(agent.messages<wire::Finished>().empty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_EQ(agent.outcome().reason, "enough; some of its processes survived SIGKILL");
  agent.exit("p", {{}, SIGKILL});  // it ended after all
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
}

TEST(AgentKill, PointDoesNotRunAgainBesideProcessesOfAnEarlierAttempt) {
  ScriptedAgent agent;
  const auto last = [&] { return agent.messages<wire::Finished>().back().outcome; };
  running(agent).receive(wire::Cancel{{"p", 1}, "enough"});
  agent.pass(Millis(5'000));
  agent.pass(Millis(5'000));
  ASSERT_EQ(agent.outcome().reason, "enough; some of its processes survived SIGKILL");
  agent.receive(wire::Settled{{"p", 1}, false});
  wire::Lease again = ScriptedAgent::lease("p");
  again.ref.attempt = 2;
  agent.receive(again);
  EXPECT_EQ(last().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(
      last().reason,
      "processes of attempt 1 survived SIGKILL on this node and may still write '/home/u/result_p.json'; "
      "end them by hand");
  agent.receive(wire::Settled{again.ref, false});
  agent.receive(ScriptedAgent::lease("other"));
  agent.start("other");
  agent.leave_result("other", "{}");
  agent.exit("other");
  EXPECT_EQ(last().kind, OutcomeKind::Ok) << "another point has another result file";
  agent.receive(wire::Settled{{"other", 1}, true});

  agent.exit("p", {{}, SIGKILL});  // they ended after all
  const std::size_t before = agent.messages<wire::Finished>().size();
  again.ref.attempt = 3;
  agent.receive(again);
  EXPECT_EQ(agent.messages<wire::Finished>().size(), before) << "it runs again";
}

TEST(AgentKill, ProcessesThatEndBeforeTheOutcomeIsSettledAreNoObstacle) {
  ScriptedAgent agent;
  running(agent).receive(wire::Cancel{{"p", 1}, "enough"});
  agent.pass(Millis(5'000));
  agent.pass(Millis(5'000));
  agent.exit("p", {{}, SIGKILL});
  agent.receive(wire::Settled{{"p", 1}, false});
  wire::Lease again = ScriptedAgent::lease("p");
  again.ref.attempt = 2;
  agent.receive(again);
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
}

TEST(AgentKill, KillsAtOnceWithoutAGraceTime) {
  ScriptedAgent agent;
  agent.connect();
  agent.welcome(false, 0);
  agent.lease_and_start("p");
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_TRUE(agent.signals[0].kill);
}

TEST(AgentKill, ProcessesThatOutliveTheFirstEndBeforeFinished) {
  ScriptedAgent agent;
  running(agent).leave_result("p", "{}");
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.signals[0].kill);
  agent.pass(Millis(5'000));
  ASSERT_EQ(agent.signals.size(), 2u);
  EXPECT_TRUE(agent.signals[1].kill);
  EXPECT_TRUE(agent.messages<wire::Finished>().empty());
  agent.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.messages<wire::Finished>()[0].wall_ms, 0);  // of the first process
}

// ---- cancellation

// A lease and its cancellation arrive together after a lost connection.
TEST(AgentCancel, CancelTogetherWithTheLease) {
  ScriptedAgent agent;
  agent.join();
  agent.driver_is_slow = true;
  agent.receive(ScriptedAgent::lease("p"));
  agent.driver_is_slow = false;
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_TRUE(agent.spawned.empty());
  EXPECT_TRUE(agent.signals.empty());
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentCancel, CancelBeforeTheStart) {
  ScriptedAgent agent;
  agent.join();
  agent.receive(ScriptedAgent::lease("p"));
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_TRUE(agent.signals.empty());
  agent.start("p");  // its start had begun
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentCancel, CancelAfterTheExitChangesNothing) {
  ScriptedAgent agent;
  running(agent).leave_result("p", "{}");
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  agent.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
}

TEST(AgentCancel, CancelCountsDespiteExitStatusZero) {
  ScriptedAgent agent;
  running(agent).leave_result("p", "{}");
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  agent.exit("p", {0, {}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_FALSE(agent.exited);
}

// ---- signals to the agent

TEST(AgentSignal, PreemptsRunningAttemptsAndEndsTheAgent) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGTERM});
  EXPECT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.exited);
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("SIGTERM"));
  EXPECT_FALSE(agent.exited) << "before the controller has it";
  EXPECT_TRUE(agent.messages<wire::Goodbye>().empty());
  agent.receive(wire::Settled{{"p", 1}, false});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 1);
  EXPECT_EQ(agent.messages<wire::Goodbye>().size(), 1u);
  EXPECT_TRUE(std::holds_alternative<wire::Goodbye>(agent.sent.back().message));
}

TEST(AgentSignal, SilentControllerDoesNotDelayTheEnd) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGTERM});
  agent.exit("p", {{}, SIGTERM});
  agent.pass(Millis(2'999));
  EXPECT_FALSE(agent.exited);
  agent.pass(Millis(1));
  EXPECT_TRUE(agent.exited);
}

TEST(AgentSignal, LeaseIsIgnoredWhileWaitingForSettled) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGTERM});
  agent.exit("p", {{}, SIGTERM});
  agent.receive(ScriptedAgent::lease("q"));
  EXPECT_EQ(agent.spawned.size(), 1u);
  agent.receive(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(agent.exited);
}

TEST(AgentSignal, GraceTimeIsShort) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGTERM});
  agent.pass(Millis(2'000));
  ASSERT_EQ(agent.signals.size(), 2u);
  EXPECT_TRUE(agent.signals[1].kill);
  agent.pass(Millis(2'000));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
}

TEST(AgentSignal, ShortensAGraceTimeThatHasBegun) {
  ScriptedAgent agent;
  running(agent).receive(wire::Cancel{{"p", 1}, "enough"});
  agent.pass(Millis(1'000));
  agent.feed(Signalled{SIGTERM});
  agent.pass(Millis(2'000));
  EXPECT_TRUE(agent.signals.back().kill);
  agent.exit("p", {{}, SIGKILL});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentSignal, SecondSignalKillsAtOnce) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGINT});
  agent.feed(Signalled{SIGINT});
  ASSERT_EQ(agent.signals.size(), 2u);
  EXPECT_TRUE(agent.signals[1].kill);
  agent.feed(Signalled{SIGINT});
  EXPECT_EQ(agent.signals.size(), 2u);
}

TEST(AgentSignal, IdleAgentEndsAtOnce) {
  ScriptedAgent agent;
  agent.join();
  agent.feed(Signalled{SIGHUP});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 1);
  EXPECT_FALSE(agent.next_deadline());

  ScriptedAgent alone;  // never connected
  alone.feed(Signalled{SIGTERM});
  EXPECT_TRUE(alone.exited);
}

// Slurm signals every process of a step; the benchmark may receive its signal before the agent.
TEST(AgentSignal, BenchmarkThatTheSignalReachedFirstIsPreempted) {
  for (const Ended how : {Ended{{}, SIGTERM}, Ended{128 + SIGTERM, {}}}) {
    ScriptedAgent agent;
    running(agent).exit("p", how);
    EXPECT_TRUE(agent.messages<wire::Finished>().empty());
    agent.pass(Millis(100));
    agent.feed(Signalled{SIGTERM});
    EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
    agent.receive(wire::Settled{{"p", 1}, false});
    EXPECT_TRUE(agent.exited);
  }
}

TEST(AgentSignal, BenchmarkEndedByAnotherSignalHasFailed) {
  ScriptedAgent agent;
  running(agent).exit("p", {{}, SIGTERM});
  agent.pass(Millis(1'000));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.outcome().signal, SIGTERM);
}

TEST(AgentSignal, NoLeaseIsAcceptedWhileLeaving) {
  ScriptedAgent agent;
  running(agent).feed(Signalled{SIGTERM});
  agent.receive(ScriptedAgent::lease("q"));
  EXPECT_EQ(agent.spawned.size(), 1u);
}

// ---- output

TEST(AgentOutput, EveryByteIsSentInPiecesOfBoundedSize) {
  ScriptedAgent agent;
  running(agent);
  const std::string text(200'000, 'x');
  agent.print("p", text, true);
  std::string all;
  for (const Send& send : agent.sent) {
    EXPECT_LE(send.bulk.size(), 65'536u);
    if (const auto* chunk = std::get_if<wire::LogChunk>(&send.message)) {
      EXPECT_TRUE(chunk->is_stderr);
      all += send.bulk;
    }
  }
  EXPECT_EQ(all, text);
}

TEST(AgentOutput, ProgressIsSentOnChangeWithAMinimumSpacing) {
  ScriptedAgent agent;
  running(agent);
  const auto last = [&] { return agent.messages<wire::Progress>().back(); };
  ASSERT_EQ(agent.messages<wire::Progress>().size(), 1u);
  EXPECT_EQ(last().phase, "benchmark");
  agent.print("p", "vLLM API server version 0.11.0\n");
  ASSERT_EQ(agent.messages<wire::Progress>().size(), 2u);
  EXPECT_EQ(last().phase, "server");
  agent.pass(Millis(1'000));
  for (int i = 1; i <= 50; ++i) {
    agent.print("p", "\r  1%|  | " + std::to_string(i) + "/100 [", true);
    agent.pass(Millis(10));
  }
  EXPECT_LE(agent.messages<wire::Progress>().size(), 6u);
  agent.pass(Millis(200));  // sends the value that was held back
  EXPECT_EQ(last().done, 50);
  EXPECT_EQ(last().total, 100);
  EXPECT_EQ(last().phase, "server");
  const std::size_t before = agent.messages<wire::Progress>().size();
  agent.pass(Millis(60'000));
  EXPECT_EQ(agent.messages<wire::Progress>().size(), before);

  agent.print("p", "\r  1%|  | 51/100 [", true);
  agent.print("p", "Application startup complete.\n");  // a change of phase is sent at once
  EXPECT_EQ(last().phase, "benchmark");
  EXPECT_EQ(last().total, 0);
  agent.print("p", "\r  9%|  | 9/10 [", true);
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(last().phase, "benchmark");
  EXPECT_EQ(last().done, 9);  // the end sends whatever was held back
}

}  // namespace
}  // namespace sweep::agent
