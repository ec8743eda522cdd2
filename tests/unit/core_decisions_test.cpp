// Decisions at the edges of the others: what exactly is kept, counted or forgotten, and where a limit lies.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreDecisions : public CoreTest {
 protected:
  void begin_specs(std::vector<PointSpec> points) {
    specs = std::move(points);
    state = make_state(settings, specs);
  }
  void begin_key(int points) {
    for (int i = 0; i < points; ++i)
      specs.push_back({"p" + std::to_string(i), 8, "", "x"});
    state = make_state(settings, specs);
  }
  Messages finish_invalid(const std::string& agent, const std::string& point, int attempt = 1) {
    AttemptFinished command{agent, {point, attempt}, outcome_of(OutcomeKind::Ok), Millis(1'000)};
    command.invalid = {"gpus-busy: x"};
    return handle(command);
  }
};

// ---- time

TEST_F(CoreDecisions, MessageExactlyAtTheTimeoutEndsACommonSilence) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  now += settings.agent_timeout;
  heartbeat("b");
  EXPECT_FALSE(agent("a").gone);
}

TEST_F(CoreDecisions, RecoveryDoesNotReopenJoiningThatIsOver) {
  begin({1});
  arrive("a", "n1", 1);
  const Instant joined = now;
  now += Millis(10'000);
  handle(Recover{"2"});
  EXPECT_EQ(state.first_join, joined);
}

// ---- servers

TEST_F(CoreDecisions, IdleServerIsKeptIfItsGpusAreJustEnough) {
  settings.pack_gpus = true;
  settings.benchmark_retries = 1;
  begin_specs({{"p0", 4, "", "x"}, {"p1", 2, "", "y"}, {"p2", 2, "", "z"}});
  arrive("a", "n1", 8);
  finish("a", "p0");
  finish("a", "p2", 1, OutcomeKind::BenchmarkFailed);
  ASSERT_EQ(point("p2").state, PointState::Leased);
  EXPECT_THAT(agent("a").warm, ElementsAre(WarmServer{0, 4})) << "4 + 2 + 2 of 8 GPUs";
}

TEST_F(CoreDecisions, CancelledAttemptLeavesItsServerRunning) {
  begin_key(2);
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  handle(Stop{"ctrl-c", Millis(10'000)});
  finish("a", "p0", 1, OutcomeKind::Cancelled);
  EXPECT_THAT(agent("a").warm, ElementsAre(WarmServer{0, 8}));
}

TEST_F(CoreDecisions, StoppingThePreviousServerIsPartOfAStart) {
  begin_key(1);
  arrive("a", "n1", 8);
  AttemptFinished command{"a", {"p0", 1}, outcome_of(OutcomeKind::Ok), Millis(76'000)};
  command.account.servers = 1;
  command.account.phases = {{"stop", Millis(10'000)},
                            {"server-start", Millis(1'000)},
                            {"ready", Millis(5'000)},
                            {"benchmark", Millis(60'000)}};
  handle(command);
  EXPECT_EQ(state.server_starts.value(), Millis(16'000));
  EXPECT_EQ(expected_wall(state, point("p0")), Millis(60'000));
}

TEST_F(CoreDecisions, AnotherServerIsStartedOnlyIfTheRunningOneNeedsLonger) {
  // A start takes 300 s and a point 60 s: another server has run its first point after 360 s. Half of the
  // point in progress and five waiting ones take 330 s, with six 390 s.
  for (const int waiting : {5, 6}) {
    specs.clear();
    events.clear();
    begin_key(waiting + 2);
    arrive("a", "n1", 8, 2);
    AttemptFinished command{"a", {"p0", 1}, outcome_of(OutcomeKind::Ok), Millis(360'000)};
    command.account.servers = 1;
    command.account.phases = {{"ready", Millis(300'000)}, {"benchmark", Millis(60'000)}};
    handle(command);
    arrive("b", "n2", 8, 2);
    EXPECT_EQ(agent("b").held.size(), waiting == 6 ? 1U : 0U) << waiting;
  }
}

TEST_F(CoreDecisions, PointThatFailedWithItsServerIsNotReinstated) {
  begin_specs({{"p0", 8, "", "x"}, {"p1", 8, "", "x"}, {"p2", 8, "", "x"}, {"p3", 8, "", "y"}});
  for (const char* id : {"a", "b", "c", "d"})
    join(agent_info(id, std::string("n") + id, 8, 4));
  for (const char* id : {"a", "d", "b", "c"})
    ready(id);
  ASSERT_EQ(point("p3").attempts.at(0).agent, "d");
  handle(Goodbye{"a", "drained"});
  Outcome failure = outcome_of(OutcomeKind::ServerFailed, "why");
  failure.phase = "ready";
  finish("b", "p1", 1, failure);
  finish("c", "p2", 1, failure);
  ASSERT_EQ(point("p0").state, PointState::Failed);
  EXPECT_THAT(heartbeat("a"), testing::Contains("cancel a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Failed);
}

// ---- attempts

TEST_F(CoreDecisions, OnlyTheLatestAttemptIsReinstated) {
  begin({8, 8});
  arrive("a", "n1", 8, 3);
  arrive("c", "n3", 8, 3);
  arrive("b", "n2", 8, 3);
  ASSERT_THAT(lose("a"), ElementsAre("lease b p0/2"));
  handle(Goodbye{"b", "drained"});
  ASSERT_EQ(point("p0").state, PointState::Pending);
  heartbeat("a");
  EXPECT_EQ(point("p0").state, PointState::Pending) << "attempt 2 may still deliver";
}

TEST_F(CoreDecisions, AttemptIsWrittenOffOnce) {
  begin({1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  ASSERT_THAT(lose("a"), ElementsAre("lease b p0/2"));
  heartbeat("a");  // it still holds the attempt that was written off
  lose("a");
  EXPECT_EQ(point("p0").infrastructure_failures, 1);
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreDecisions, SpareIsWaitedForWhileTheAgentBeforeItLeaves) {
  begin({8});
  arrive("a", "n1", 8, 2);
  arrive("b", "n1", 8, 2);
  finish("a", "p0", 1, OutcomeKind::Preempted);
  EXPECT_EQ(state.phase, Phase::Running);
  EXPECT_THAT(handle(Goodbye{"a", "time limit"}), ElementsAre("lease b p0/2"));
}

TEST_F(CoreDecisions, EndOfAnAttemptWhoseResultIsNotNeededIsNotCounted) {
  begin({1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  ASSERT_THAT(lose("a"), ElementsAre("lease b p0/2"));
  finish("a", "p0", 1);
  ASSERT_EQ(point("p0").state, PointState::Done);
  finish("b", "p0", 2, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_EQ(point("p0").benchmark_failures, 0);
}

TEST_F(CoreDecisions, StoppingSweepKeepsAnInvalidResultInsteadOfRetrying) {
  settings.invalid_retries = 1;
  begin({1});
  arrive("a", "n1", 1);
  handle(Stop{"ctrl-c", Millis(10'000)});
  finish_invalid("a", "p0");
  EXPECT_EQ(point("p0").state, PointState::Done);
}

TEST_F(CoreDecisions, PointWithoutGpusOccupiesItsNodeAlsoIfPointsArePacked) {
  settings.pack_gpus = true;
  begin({0, 4});
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  ASSERT_EQ(point("p1").attempts.at(0).agent, "a");
  ASSERT_EQ(point("p0").attempts.at(0).agent, "b");
  finish("a", "p1", 1, OutcomeKind::Infrastructure);
  EXPECT_EQ(point("p1").state, PointState::Pending) << "it avoids n1, and n2 is occupied";
}

// ---- agents

TEST_F(CoreDecisions, SecondProcessOfAnAgentIsRejectedWhateverItsPid) {
  begin({1});
  arrive("a", "n1", 1);
  for (const std::int64_t pid : {50, 150}) {
    AgentInfo other = agent_info("a", "n2", 1);
    other.pid = pid;
    EXPECT_THAT(handle(Hello{other}), ElementsAre("reject a")) << pid;
  }
}

TEST_F(CoreDecisions, EndOfAJobWithoutNumberIsNotRecorded) {
  begin({1});
  AgentInfo local = agent_info("a", "n1", 1);
  local.job = "";
  join(local);
  Ready asks{"a"};
  asks.job_ends = now + Millis(1'000'000);
  handle(asks);
  EXPECT_THAT(state.job_ends, IsEmpty());
}

// ---- resume

TEST_F(CoreDecisions, ResumeForgetsWhichNodesServedARunner) {
  begin_specs({{"p0", 8, "", "", "r"}});
  const auto arrive_with = [&](const std::string& id, int gpus, int tasks, const std::string& runner) {
    join(agent_info(id, "n" + id, gpus, tasks));
    Ready command{id};
    command.serves = {{runner}};
    mark_seen(state, id, now);
    handle(command);
  };
  arrive_with("a", 8, 1, "r");
  handle(Goodbye{"a", "time limit"});
  ASSERT_EQ(state.phase, Phase::Closed);
  handle(Resume{"2", "13.0", false, {}});
  arrive_with("b", 4, 2, "r");
  arrive_with("c", 8, 2, "s");
  EXPECT_EQ(point("p0").reason, "needs 8 GPUs; the largest node that serves its runner 'r' has 4");
}

TEST_F(CoreDecisions, ResumeAsksForTheEndOfARequeuedJobAgain) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Goodbye{"a", "requeued"});
  handle(Resume{"2", "12.0", false, {}});
  AgentInfo second = agent_info("b", "n2", 1, 2);
  second.task = 1;
  join(second);
  EXPECT_THAT(ready("b"), IsEmpty()) << "the first task of the job has not reported its end";
}

TEST_F(CoreDecisions, ResumeForgetsInvalidResultsThatWereCounted) {
  settings.invalid_retries = 1;
  begin({1});
  arrive("a", "n1", 1);
  finish_invalid("a", "p0");
  finish_invalid("a", "p0", 2);
  ASSERT_EQ(point("p0").invalid_results, 2);
  handle(Resume{"2", "13.0", false, {}});
  EXPECT_EQ(point("p0").invalid_results, 0) << "the new profile may allow fewer";
}

TEST_F(CoreDecisions, LateResultOfAWithdrawnPointDoesNotBringItBack) {
  begin({1, 1});
  arrive("a", "n1", 1);
  start("a", "p0");
  handle(Resume{"2", "13.0", false, {"p0"}});
  arrive("b", "n1", 1);
  handle(AttemptFinished{"b", {"p0", 1}, outcome_of(OutcomeKind::Ok), Millis(1'000), "a"});
  EXPECT_EQ(point("p0").state, PointState::Withdrawn);
  EXPECT_TRUE(has_result(point("p0"))) << "it is kept for a resume that brings the point back";
}

}  // namespace
}  // namespace sweep::core
