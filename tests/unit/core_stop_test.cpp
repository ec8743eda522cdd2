// Stopping a sweep.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreStop : public CoreTest {};

constexpr Millis kPatience{20'000};

TEST_F(CoreStop, CancelsAllAttemptsAndLeasesNoMore) {
  settings.pack_gpus = true;
  begin({1, 1, 1, 1});
  arrive("a", "n1", 2, 2);
  arrive("b", "n2", 1, 2);
  EXPECT_THAT(handle(Stop{"ctrl-c", kPatience}),
              ElementsAre("cancel a p0/1", "cancel a p1/1", "cancel b p2/1"));
  EXPECT_EQ(state.phase, Phase::Stopping);
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Cancelled), ElementsAre("settled a p0/1"));
  EXPECT_THAT(finish("a", "p1", 1), ElementsAre("settled a p1/1 accepted"))
      << "it had already ended by itself";
  EXPECT_THAT(finish("b", "p2", 1, OutcomeKind::Infrastructure),
              ElementsAre("settled b p2/1", "drain a", "drain b"));
  EXPECT_EQ(state.end_reason, "ctrl-c");
  EXPECT_EQ(point("p0").state, PointState::Cancelled);
  EXPECT_EQ(point("p1").state, PointState::Done);
  EXPECT_EQ(point("p2").state, PointState::Pending);
  EXPECT_EQ(point("p3").state, PointState::Pending);
}

TEST_F(CoreStop, ClosesAtOnceIfNoAttemptIsInFlight) {
  begin({8});
  join(agent_info("a", "n1", 8));
  EXPECT_THAT(handle(Stop{"ctrl-c", kPatience}), ElementsAre("drain a"));
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreStop, ClosesAtOnceIfNoAgentHasJoined) {
  begin({8});
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreStop, AgentThatDoesNotStopInTimeIsWrittenOff) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_EQ(next_deadline(state, now), now + kPatience);
  finish("b", "p1", 1, OutcomeKind::Cancelled);
  EXPECT_THAT(wait(kPatience - Millis(1), {"a", "b"}), IsEmpty());
  EXPECT_THAT(wait(Millis(1), {"a", "b"}), ElementsAre("drain b"));
  EXPECT_EQ(point("p0").state, PointState::Cancelled);
  EXPECT_EQ(point("p0").reason, "cancelled: agent on n1 is gone: did not stop in time (ctrl-c)");
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_EQ(next_deadline(state, now), std::nullopt);
}

TEST_F(CoreStop, AgentThatReturnsIsSentTheCancel) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_THAT(heartbeat("a"), ElementsAre("cancel a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_THAT(finish("b", "p1", 1, OutcomeKind::Cancelled), ElementsAre("settled b p1/1"));
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted", "drain a", "drain b"));
  EXPECT_EQ(point("p0").state, PointState::Done);
}

TEST_F(CoreStop, FurtherStopCanOnlyShortenTheWait) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", kPatience});
  const std::size_t before = events.size();
  EXPECT_THAT(handle(Stop{"later", kPatience + Millis(1)}), IsEmpty());
  EXPECT_EQ(events.size(), before);
  handle(Stop{"sooner", Millis(1)});
  EXPECT_EQ(next_deadline(state, now), now + Millis(1));
  EXPECT_EQ(state.end_reason, "ctrl-c") << "the first reason is kept";
  handle(Stop{"now", Millis(0)});
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_TRUE(agent("a").gone);
  EXPECT_EQ(point("p0").reason, "cancelled: agent on n1 is gone: did not stop in time (ctrl-c)");
  EXPECT_THAT(handle(Stop{"again", Millis(0)}), IsEmpty());
}

TEST_F(CoreStop, HelloOfANewAgentIsAnsweredWithDrain) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_THAT(join(agent_info("new", "n2", 1)), ElementsAre("drain new"));
  EXPECT_FALSE(state.agents.contains("new"));
}

TEST_F(CoreStop, FailureWithRetriesLeftStaysPending) {
  settings.benchmark_retries = 3;
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::BenchmarkFailed), ElementsAre("settled a p0/1", "drain a"));
  EXPECT_EQ(point("p0").state, PointState::Pending);
}

TEST_F(CoreStop, LastResultCanStillCompleteTheSweep) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", kPatience});
  EXPECT_THAT(finish("a", "p0", 1), ElementsAre("settled a p0/1 accepted", "drain a complete"));
}

// ---- a benchmark that cannot be started

class CoreStartFailures : public CoreTest {
 protected:
  static Outcome cannot_start(const std::string& why = "cannot start './b.sh'") {
    Outcome out = outcome_of(OutcomeKind::BenchmarkFailed, why);
    out.phase = "start";
    return out;
  }
  void begin_one_benchmark() {
    settings.one_benchmark = true;
    begin({8, 8, 8, 8, 8});
    arrive("a", "n1", 8);
  }
};

TEST_F(CoreStartFailures, FirstPointsThatFailAlikeStopTheSweep) {
  begin_one_benchmark();
  finish("a", "p0", 1, cannot_start());
  finish("a", "p1", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Running);
  EXPECT_THAT(finish("a", "p2", 1, cannot_start()), ElementsAre("settled a p2/1", "drain a"));
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_EQ(state.end_reason, "the first 3 points failed alike: cannot start './b.sh'");
  EXPECT_EQ(point("p3").state, PointState::Pending);
  EXPECT_TRUE(first_points_failed_alike(state));
  handle(Resume{"", "", true, {}});
  EXPECT_FALSE(first_points_failed_alike(state)) << "a session counts for itself";
  EXPECT_EQ(state.phase, Phase::Running);
}

TEST_F(CoreStartFailures, ProgramThatTheShellDoesNotFindStopsTheSweepToo) {
  for (const int status : {126, 127}) {
    events.clear();
    specs.clear();
    begin_one_benchmark();
    Outcome failed = outcome_of(OutcomeKind::BenchmarkFailed, "b.sh: line 3: vllm: command not found");
    failed.exit_code = status;
    for (const char* id : {"p0", "p1", "p2"}) {
      start("a", id);
      finish("a", id, 1, failed);
    }
    EXPECT_EQ(state.phase, Phase::Closed) << status;
    now += Millis(1'000'000);
  }
}

TEST_F(CoreStartFailures, OtherExitStatusesDoNotStopTheSweep) {
  begin_one_benchmark();
  Outcome failed = outcome_of(OutcomeKind::BenchmarkFailed, "out of memory");
  failed.exit_code = 1;
  for (const char* id : {"p0", "p1", "p2", "p3"})
    finish("a", id, 1, failed);
  EXPECT_EQ(state.phase, Phase::Running);
}

TEST_F(CoreStartFailures, DifferentReasonsDoNotStopTheSweep) {
  begin_one_benchmark();
  finish("a", "p0", 1, cannot_start());
  finish("a", "p1", 1, cannot_start("other"));
  finish("a", "p2", 1, cannot_start());
  finish("a", "p3", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Running);
}

TEST_F(CoreStartFailures, AnAttemptThatRanProvesThatTheBenchmarkCanBeStarted) {
  for (const OutcomeKind kind :
       {OutcomeKind::Ok, OutcomeKind::BenchmarkFailed, OutcomeKind::NoResult, OutcomeKind::TimedOut}) {
    events.clear();
    specs.clear();
    begin_one_benchmark();
    finish("a", "p0", 1, kind);
    finish("a", "p1", 1, cannot_start());
    finish("a", "p2", 1, cannot_start());
    finish("a", "p3", 1, cannot_start());
    EXPECT_EQ(state.phase, Phase::Running) << outcome_word(kind);
    now += Millis(1'000'000);
  }
}

TEST_F(CoreStartFailures, FailureOfANodeProvesNothing) {
  begin_one_benchmark();
  finish("a", "p0", 1, OutcomeKind::Infrastructure);
  finish("a", "p0", 2, cannot_start());
  finish("a", "p1", 1, cannot_start());
  finish("a", "p2", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreStartFailures, RetriesComeFirst) {
  settings.benchmark_retries = 1;
  begin_one_benchmark();
  finish("a", "p0", 1, cannot_start());
  finish("a", "p0", 2, cannot_start());
  finish("a", "p1", 1, cannot_start());
  finish("a", "p1", 2, cannot_start());
  finish("a", "p2", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Running) << "p2 has not failed yet";
  finish("a", "p2", 2, cannot_start());
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreStartFailures, RunningAttemptIsWaitedFor) {
  settings.one_benchmark = true;
  begin({8, 8, 8, 8, 8, 8});
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  start("b", "p1");
  finish("a", "p0", 1, cannot_start());
  finish("a", "p2", 1, cannot_start());
  finish("a", "p3", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Running);
  finish("b", "p1", 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Stopping);
  finish("a", "p4", 1, OutcomeKind::Cancelled);
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreStartFailures, PointsWithBenchmarksOfTheirOwnGoOn) {
  begin({8, 8, 8, 8, 8});
  arrive("a", "n1", 8);
  for (const char* id : {"p0", "p1", "p2", "p3"})
    finish("a", id, 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Running);
}

TEST_F(CoreStartFailures, CommandOfSrunIsTheBenchmarkOfAllPoints) {
  begin({8, 8, 8, 8, 8});
  AgentInfo info = agent_info("a", "n1", 8);
  info.command = {"./b.sh"};
  join(info);
  ready("a");
  for (const char* id : {"p0", "p1", "p2"})
    finish("a", id, 1, cannot_start());
  EXPECT_EQ(state.phase, Phase::Closed);
}

}  // namespace
}  // namespace sweep::core
