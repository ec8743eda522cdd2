// agent/core: how attempts end: results, failures, deadlines, cancellation, signals, and the steps of
// killing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::HasSubstr;

/// A running attempt "p".
ScriptedAgent& running(ScriptedAgent& scene, wire::Timeouts timeouts = {}) {
  scene.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = timeouts;
  scene.hear(lease);
  scene.start("p");
  return scene;
}

// ---- results

TEST(AgentOutcome, NoResultFileNamesThePathExpected) {
  ScriptedAgent scene;
  running(scene).exit("p");
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::NoResult);
  EXPECT_EQ(scene.outcome().reason, "it left no '/home/u/result_p.json'");
  EXPECT_EQ(scene.outcome().exit_code, 0);
}

TEST(AgentOutcome, AnOldResultFileIsNone) {
  ScriptedAgent scene;
  scene.leave_result("p", "{old}");
  running(scene).exit("p");
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(scene.outcome().reason, HasSubstr("before the start"));
}

TEST(AgentOutcome, AnOldResultFileThatWasWrittenAnewIsOne) {
  ScriptedAgent scene;
  scene.leave_result("p", "{old}");
  running(scene).leave_result("p", "{new}");
  scene.exit("p");
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(scene.sent.back().bulk, "{new}");
}

TEST(AgentOutcome, ResultFilesThatAreNone) {
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

TEST(AgentOutcome, AFailureSaysTheLastWordsOnStandardError) {
  ScriptedAgent scene;
  running(scene).print("p", "fine\n");
  scene.print("p", "Traceback:\n  RuntimeError: out of \x1bmemory\n\n", true);
  scene.feed(LeaderExited{{"p", 1}, {3, {}}});
  scene.print("p", " 10%|#  | 1/10 [\r", true);  // a bar says nothing, also when it comes last
  scene.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(scene.outcome().exit_code, 3);
  EXPECT_EQ(scene.outcome().reason, "RuntimeError: out of ?memory");
  EXPECT_EQ(scene.outcome().phase, "server");
}

TEST(AgentOutcome, AFailureThatLeftAResultIsAFailure) {
  ScriptedAgent scene;
  running(scene).leave_result("p", "{}");
  scene.exit("p", {{}, SIGSEGV});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(scene.outcome().signal, SIGSEGV);
}

TEST(AgentOutcome, WhatCannotStart) {
  ScriptedAgent scene;
  scene.join();
  scene.hear(ScriptedAgent::lease("p"));
  scene.feed(StartFailed{{"p", 1}, "cannot start 'bench': not found in PATH"});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(scene.outcome().phase, "start");
  EXPECT_EQ(scene.outcome().reason, "cannot start 'bench': not found in PATH");
  EXPECT_TRUE(scene.said<wire::Started>().empty());

  ScriptedAgent poor;
  poor.join();
  poor.hear(ScriptedAgent::lease("p"));
  poor.feed(NotPrepared{{"p", 1}, "no more pipes"});
  EXPECT_EQ(poor.outcome().kind, OutcomeKind::Infrastructure);
}

// ---- deadlines

TEST(AgentDeadline, TheServerIsNotReady) {
  ScriptedAgent scene;
  running(scene, {3'600'000, 1'000, 10'000'000}).pass(Millis(3'599'999));
  EXPECT_TRUE(scene.signals.empty());
  scene.pass(Millis(1));
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.signals[0].kill);
  EXPECT_TRUE(scene.said<wire::Finished>().empty());  // its processes live
  scene.exit("p", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.outcome().phase, "server");
  EXPECT_EQ(scene.outcome().reason, "the server was not ready within 60 min");
}

TEST(AgentDeadline, TheBenchmarkDoesNotEnd) {
  ScriptedAgent scene;
  running(scene, {60'000, 90'000, 0}).pass(Millis(50'000));
  scene.print("p", "INFO: Application startup complete.\n");
  scene.pass(Millis(89'999));
  EXPECT_TRUE(scene.signals.empty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.signals.size(), 1u);
  scene.exit("p", {0, {}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.outcome().phase, "benchmark");
  EXPECT_THAT(scene.outcome().reason, HasSubstr("within 90 s"));
}

TEST(AgentDeadline, ThePointDoesNotEnd) {
  ScriptedAgent scene;
  running(scene, {0, 100'000, 60'000}).pass(Millis(40'000));
  scene.print("p", "Application startup complete", true);
  scene.pass(Millis(20'000));
  scene.exit("p", {1, {}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_THAT(scene.outcome().reason, HasSubstr("point did not end within 1 min"));
}

TEST(AgentDeadline, ABarIsNotReadinessAndNoLimitIsNone) {
  ScriptedAgent scene;
  running(scene, {60'000, 0, 0}).print("p", " 50%|#####     | 5/10 [");
  scene.pass(Millis(60'000));
  EXPECT_EQ(scene.signals.size(), 1u);

  ScriptedAgent unlimited;
  running(unlimited).pass(std::chrono::hours(1000));
  EXPECT_TRUE(unlimited.signals.empty());
}

TEST(AgentDeadline, AnEndBeforeItCounts) {
  ScriptedAgent scene;
  running(scene, {0, 0, 1'000}).leave_result("p", "{}");
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});
  scene.pass(Millis(2'000));  // others of its group take their time
  scene.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
}

// ---- killing

TEST(AgentKill, TermThenKillAfterTheGraceTimeThenGivingUp) {
  ScriptedAgent scene;
  running(scene).hear(wire::Cancel{{"p", 1}, "enough"});
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.signals[0].kill);
  scene.pass(Millis(4'999));
  EXPECT_EQ(scene.signals.size(), 1u);
  scene.pass(Millis(1));
  ASSERT_EQ(scene.signals.size(), 2u);
  EXPECT_TRUE(scene.signals[1].kill);
  scene.pass(Millis(4'999));
  EXPECT_TRUE(scene.said<wire::Finished>().empty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_EQ(scene.outcome().reason, "enough; some of its processes outlive SIGKILL");
  scene.exit("p", {{}, SIGKILL});  // after all
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
}

TEST(AgentKill, WithoutAGraceTimeAtOnce) {
  ScriptedAgent scene;
  scene.connect();
  scene.welcome(false, 0);
  scene.lease_and_start("p");
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_TRUE(scene.signals[0].kill);
}

TEST(AgentKill, WhatOutlivesTheFirstProcessIsEndedBeforeFinished) {
  ScriptedAgent scene;
  running(scene).leave_result("p", "{}");
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.signals[0].kill);
  scene.pass(Millis(5'000));
  ASSERT_EQ(scene.signals.size(), 2u);
  EXPECT_TRUE(scene.signals[1].kill);
  EXPECT_TRUE(scene.said<wire::Finished>().empty());
  scene.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(scene.said<wire::Finished>()[0].wall_ms, 0);  // of the first process
}

// ---- cancellation

// A lease and its cancellation, both lost with a connection, come together.
TEST(AgentCancel, WithItsLease) {
  ScriptedAgent scene;
  scene.join();
  scene.machine_is_slow = true;
  scene.hear(ScriptedAgent::lease("p"));
  scene.machine_is_slow = false;
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_TRUE(scene.spawned.empty());
  EXPECT_TRUE(scene.signals.empty());
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentCancel, BeforeTheStart) {
  ScriptedAgent scene;
  scene.join();
  scene.hear(ScriptedAgent::lease("p"));
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_TRUE(scene.signals.empty());
  scene.start("p");  // its start was under way
  EXPECT_EQ(scene.signals.size(), 1u);
  scene.exit("p", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentCancel, AfterItEndedByItself) {
  ScriptedAgent scene;
  running(scene).leave_result("p", "{}");
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  scene.feed(GroupGone{{"p", 1}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
}

TEST(AgentCancel, AnExitStatusOfZeroDoesNotUndoIt) {
  ScriptedAgent scene;
  running(scene).leave_result("p", "{}");
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  scene.exit("p", {0, {}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
  EXPECT_FALSE(scene.exited);
}

// ---- signals to the agent

TEST(AgentSignal, GivesBackWhatRunsAndLeaves) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGTERM});
  EXPECT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.exited);
  scene.exit("p", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Preempted);
  EXPECT_THAT(scene.outcome().reason, HasSubstr("SIGTERM"));
  EXPECT_FALSE(scene.exited) << "before the controller has it";
  EXPECT_TRUE(scene.said<wire::Goodbye>().empty());
  scene.hear(wire::Settled{{"p", 1}, false});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 1);
  EXPECT_EQ(scene.said<wire::Goodbye>().size(), 1u);
  EXPECT_TRUE(std::holds_alternative<wire::Goodbye>(scene.sent.back().message));
}

TEST(AgentSignal, AControllerThatDoesNotAnswerDoesNotKeepIt) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGTERM});
  scene.exit("p", {{}, SIGTERM});
  scene.pass(Millis(2'999));
  EXPECT_FALSE(scene.exited);
  scene.pass(Millis(1));
  EXPECT_TRUE(scene.exited);
}

TEST(AgentSignal, ALeaseThatComesWhileItLeavesIsNotTaken) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGTERM});
  scene.exit("p", {{}, SIGTERM});
  scene.hear(ScriptedAgent::lease("q"));
  EXPECT_EQ(scene.spawned.size(), 1u);
  scene.hear(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(scene.exited);
}

TEST(AgentSignal, ItsGraceTimeIsShort) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGTERM});
  scene.pass(Millis(2'000));
  ASSERT_EQ(scene.signals.size(), 2u);
  EXPECT_TRUE(scene.signals[1].kill);
  scene.pass(Millis(2'000));
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Preempted);
}

TEST(AgentSignal, AKillUnderWayIsHurriedUp) {
  ScriptedAgent scene;
  running(scene).hear(wire::Cancel{{"p", 1}, "enough"});
  scene.pass(Millis(1'000));
  scene.feed(Signalled{SIGTERM});
  scene.pass(Millis(2'000));
  EXPECT_TRUE(scene.signals.back().kill);
  scene.exit("p", {{}, SIGKILL});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentSignal, TheSecondKillsAtOnce) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGINT});
  scene.feed(Signalled{SIGINT});
  ASSERT_EQ(scene.signals.size(), 2u);
  EXPECT_TRUE(scene.signals[1].kill);
  scene.feed(Signalled{SIGINT});
  EXPECT_EQ(scene.signals.size(), 2u);
}

TEST(AgentSignal, WithNothingToDoItLeavesAtOnce) {
  ScriptedAgent scene;
  scene.join();
  scene.feed(Signalled{SIGHUP});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 1);
  EXPECT_FALSE(scene.next_deadline());

  ScriptedAgent alone;  // never connected
  alone.feed(Signalled{SIGTERM});
  EXPECT_TRUE(alone.exited);
}

// Slurm signals every process of a step, and the benchmark's turn may come before the agent's.
TEST(AgentSignal, ABenchmarkThatItReachedFirstIsPreemptedToo) {
  for (const Ended how : {Ended{{}, SIGTERM}, Ended{128 + SIGTERM, {}}}) {
    ScriptedAgent scene;
    running(scene).exit("p", how);
    EXPECT_TRUE(scene.said<wire::Finished>().empty());
    scene.pass(Millis(100));
    scene.feed(Signalled{SIGTERM});
    EXPECT_EQ(scene.outcome().kind, OutcomeKind::Preempted);
    scene.hear(wire::Settled{{"p", 1}, false});
    EXPECT_TRUE(scene.exited);
  }
}

TEST(AgentSignal, ABenchmarkThatSomebodyElseEndedHasFailed) {
  ScriptedAgent scene;
  running(scene).exit("p", {{}, SIGTERM});
  scene.pass(Millis(1'000));
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(scene.outcome().signal, SIGTERM);
}

TEST(AgentSignal, NoLeaseIsTakenWhileLeaving) {
  ScriptedAgent scene;
  running(scene).feed(Signalled{SIGTERM});
  scene.hear(ScriptedAgent::lease("q"));
  EXPECT_EQ(scene.spawned.size(), 1u);
}

// ---- output

TEST(AgentOutput, EveryByteGoesOutInPiecesOfBoundedSize) {
  ScriptedAgent scene;
  running(scene);
  const std::string text(200'000, 'x');
  scene.print("p", text, true);
  std::string all;
  for (const Send& send : scene.sent) {
    EXPECT_LE(send.bulk.size(), 65'536u);
    if (const auto* chunk = std::get_if<wire::LogChunk>(&send.message)) {
      EXPECT_TRUE(chunk->is_stderr);
      all += send.bulk;
    }
  }
  EXPECT_EQ(all, text);
}

TEST(AgentOutput, ProgressIsToldWhenItChangesAndNotTooOften) {
  ScriptedAgent scene;
  running(scene);
  const auto last = [&] { return scene.said<wire::Progress>().back(); };
  ASSERT_EQ(scene.said<wire::Progress>().size(), 1u);
  EXPECT_EQ(last().phase, "server");
  scene.pass(Millis(1'000));
  for (int i = 1; i <= 50; ++i) {
    scene.print("p", "\r  1%|  | " + std::to_string(i) + "/100 [", true);
    scene.pass(Millis(10));
  }
  EXPECT_LE(scene.said<wire::Progress>().size(), 5u);
  scene.pass(Millis(200));  // the last that was held back
  EXPECT_EQ(last().done, 50);
  EXPECT_EQ(last().total, 100);
  EXPECT_EQ(last().phase, "server");
  const std::size_t before = scene.said<wire::Progress>().size();
  scene.pass(Millis(60'000));
  EXPECT_EQ(scene.said<wire::Progress>().size(), before);

  scene.print("p", "\r  1%|  | 51/100 [", true);
  scene.print("p", "Application startup complete.\n");  // at once
  EXPECT_EQ(last().phase, "benchmark");
  EXPECT_EQ(last().total, 0);
  scene.print("p", "\r  9%|  | 9/10 [", true);
  scene.leave_result("p", "{}");
  scene.exit("p");
  EXPECT_EQ(last().phase, "benchmark");
  EXPECT_EQ(last().done, 9);  // at the end whatever was held back
}

}  // namespace
}  // namespace sweep::agent
