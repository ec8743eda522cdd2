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

}  // namespace
}  // namespace sweep::core
