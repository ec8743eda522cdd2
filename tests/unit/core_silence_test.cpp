// When silent agents are considered lost: one among many, the last one, and after the controller was suspended.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreSilence : public CoreTest {
 protected:
  CoreSilence() {
    settings.agent_timeout = Millis(45'000);
    settings.last_agent_timeout = Millis(600'000);
  }
};

TEST_F(CoreSilence, OneAmongManyIsLostAfterItsTimeout) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  wait(Millis(44'999), {"b"});
  EXPECT_FALSE(agent("a").gone);
  wait(Millis(1), {"b"});
  EXPECT_TRUE(agent("a").gone);
  EXPECT_EQ(agent("a").gone_reason, "no message for 45 s");
}

TEST_F(CoreSilence, LastAgentGetsMorePatience) {
  begin({1});
  arrive("a", "n1", 1);
  start("a", "p0");
  EXPECT_EQ(next_deadline(state, now), now + Millis(600'000));
  wait(Millis(599'999));
  EXPECT_FALSE(agent("a").gone);
  EXPECT_EQ(state.phase, Phase::Running);
  wait(Millis(1));
  EXPECT_TRUE(agent("a").gone);
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreSilence, AgentThatIsLeftAloneIsTheLastOne) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  wait(Millis(45'000), {"b"});
  EXPECT_TRUE(agent("a").gone);
  wait(Millis(599'999));
  EXPECT_FALSE(agent("b").gone);
  wait(Millis(1));
  EXPECT_TRUE(agent("b").gone);
}

TEST_F(CoreSilence, AllAgentsOfASuspendedJobGetThePatienceOfTheLast) {
  begin({1, 1, 1});
  arrive("a", "n1", 1, 3);
  arrive("b", "n2", 1, 3);
  arrive("c", "n3", 1, 3);
  // They fall silent within one heartbeat.
  wait(Millis(5'000), {"b"});
  wait(Millis(10'000), {"c"});
  wait(Millis(500'000));
  for (const char* each : {"a", "b", "c"})
    EXPECT_FALSE(agent(each).gone) << each;
  heartbeat("b");  // the job goes on, and a and c will follow
  wait(Millis(44'999), {"b", "c"});
  EXPECT_FALSE(agent("a").gone);
  wait(Millis(1), {"b", "c"});
  EXPECT_TRUE(agent("a").gone);
  EXPECT_FALSE(agent("c").gone);
}

TEST_F(CoreSilence, OthersCountAsHeardAfterHalfTheTimeout) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  const Instant start = now;
  now += Millis(22'499);
  mark_seen(state, "b", now);
  EXPECT_EQ(silence_deadline(state), start + Millis(600'000));
  now += Millis(1);
  mark_seen(state, "b", now);
  EXPECT_EQ(silence_deadline(state), start + Millis(45'000));
  handle(Tick{});
}

TEST_F(CoreSilence, PatienceForTheLastIsNotShorterThanForOthers) {
  settings.last_agent_timeout = Millis(1'000);
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_EQ(silence_deadline(state), now + Millis(45'000));
}

TEST_F(CoreSilence, AllAreSilentOnceTheTimeoutHasPassedSinceTheLastMessage) {
  EXPECT_EQ(all_silent_at(state), std::nullopt);
  begin({1});  // b is idle, and still there when the sweep is closed
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  const Instant start = now;
  wait(Millis(10'000), {"b"});
  EXPECT_EQ(all_silent_at(state), start + Millis(55'000));
  handle(Stop{"ctrl-c", Millis(0)});
  ASSERT_EQ(state.phase, Phase::Closed);
  EXPECT_EQ(all_silent_at(state), std::nullopt);
}

// ---- the controller was suspended

TEST_F(CoreSilence, NoAgentIsLostBecauseTheControllerWasSuspended) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  now += Millis(7'200'000);
  handle(Pause{Millis(7'190'000)});
  EXPECT_FALSE(agent("a").gone);
  wait(Millis(44'999), {"b"});
  EXPECT_FALSE(agent("a").gone) << "it has its whole time again";
  wait(Millis(1), {"b"});
  EXPECT_TRUE(agent("a").gone);
}

TEST_F(CoreSilence, PauseDoesNotReturnAnAgentThatWasGone) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  lose("a");
  handle(Pause{Millis(10'000)});
  EXPECT_TRUE(agent("a").gone);
}

TEST_F(CoreSilence, PauseMovesTheEndOfJoining) {
  settings.join_timeout = Millis(60'000);
  begin({9});  // no node is that large
  arrive("a", "n1", 1, 2);
  now += Millis(3'600'000);
  handle(Pause{Millis(3'590'000)});
  EXPECT_EQ(point("p0").state, PointState::Pending);
  wait(Millis(49'999), {"a"});
  EXPECT_EQ(point("p0").state, PointState::Pending) << "b has its whole time to join";
  wait(Millis(1), {"a"});
  EXPECT_EQ(point("p0").state, PointState::Failed);
}

TEST_F(CoreSilence, PauseMovesTheEndOfAStoppingSweep) {
  begin({1});
  arrive("a", "n1", 1);
  start("a", "p0");
  handle(Stop{"ctrl-c", Millis(20'000)});
  now += Millis(1'000'000);
  handle(Pause{Millis(990'000)});
  EXPECT_EQ(state.phase, Phase::Stopping);
  wait(Millis(9'999), {"a"});
  EXPECT_EQ(state.phase, Phase::Stopping);
  wait(Millis(1), {"a"});
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreSilence, PauseOfAClosedSweepOrOfNoLengthIsNoEvent) {
  begin({1});
  arrive("a", "n1", 1);
  EXPECT_THAT(decision_for(Pause{Millis(0)}).events, IsEmpty());
  handle(Stop{"ctrl-c", Millis(0)});
  EXPECT_THAT(decision_for(Pause{Millis(10'000)}).events, IsEmpty());
}

}  // namespace
}  // namespace sweep::core
