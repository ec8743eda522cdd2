// Agents that join, fall silent, return and leave.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreAgents : public CoreTest {};

TEST_F(CoreAgents, WelcomeAnswersHello) {
  begin({1});
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a"));
  EXPECT_EQ(agent("a").info.node, "n1");
}

TEST_F(CoreAgents, RepeatedHelloOfAnAgentIsWelcomedWithoutANewJoin) {
  begin({1, 1});
  join(agent_info("a", "n1", 1));
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a"));
  EXPECT_EQ(state.joins, 1);
  EXPECT_EQ(events.size(), 1u);
}

TEST_F(CoreAgents, HelloAfterACutConnectionRepeatsAnUnstartedLease) {
  begin({1, 1});
  arrive("a", "n1", 1);
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a", "lease a p0/1"));
  start("a", "p0");
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a"));
}

TEST_F(CoreAgents, SecondAgentOfTheSameNameIsRejectedUnlessTheFirstIsGone) {
  begin({1});
  arrive("a", "n1", 1);
  AgentInfo other = agent_info("a", "n2", 1);
  other.pid = 200;
  const Decision decision = decision_for(Hello{other});
  ASSERT_EQ(decision.replies.size(), 1u);
  const auto& reject = std::get<wire::Reject>(std::get<SendMessage>(decision.replies[0]).message);
  EXPECT_EQ(reject.reason, "agent a is already taking part (pid 100 on n1)");
  EXPECT_EQ(decision.rejected, reject.reason);
  EXPECT_EQ(agent("a").info.node, "n1");
}

// While the journal cannot be written, one process can be replaced by another with the same agent name.
TEST(Effects, DropEffectsForRemovesTheEffectsOfOneAgent) {
  std::vector<Effect> effects = {SendWelcome{"a"}, SendLease{"a", {"p0", 1}}, SendLease{"b", {"p1", 1}},
                                 SendMessage{"a", wire::Drain{}}};
  drop_effects_for(effects, "a");
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_EQ(std::get<SendLease>(effects[0]).agent, "b");
}

TEST_F(CoreAgents, SecondAgentOfTheSameNameReplacesOneThatIsGone) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  lose("a");
  AgentInfo other = agent_info("a", "n3", 1, 2);
  other.pid = 200;
  EXPECT_THAT(join(other), ElementsAre("welcome a"));
  EXPECT_TRUE(agent("a").held.empty()) << "the first agent's attempts ended with it";
  EXPECT_FALSE(agent("a").ready);
  EXPECT_EQ(agent("a").order, 2);
  EXPECT_THAT(ready("a"), ElementsAre("lease a p0/2"));
  // A late failure of the first agent changes nothing. (A result from its spool would be accepted.)
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::NoResult), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreAgents, EmptyNamesAndControlCharactersInNamesAreRejected) {
  begin({1});
  const auto refused = [&](auto change) {
    AgentInfo info = agent_info("a", "n1", 1);
    change(info);
    const Messages words = handle(Hello{info});
    return words.size() == 1 && words[0].starts_with("reject ") && !rejected.empty() && events.empty();
  };
  EXPECT_TRUE(refused([](AgentInfo& a) { a.id = ""; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.id = "a\x1b[2J"; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.node = "n\n1"; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.node = "\xff"; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.job = "1\t2"; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.step = "\x7f"; }));
  EXPECT_TRUE(refused([](AgentInfo& a) { a.gpus = {"0", "\xc2\x9b"}; }));
}

TEST_F(CoreAgents, RepeatedReadyIsAnsweredWithTheUnstartedLease) {
  begin({1, 1});
  arrive("a", "n1", 1);
  EXPECT_THAT(ready("a"), ElementsAre("lease a p0/1"));
  start("a", "p0");
  EXPECT_THAT(ready("a"), IsEmpty());
}

TEST_F(CoreAgents, HeartbeatIsAnsweredWithMissedMessagesOnly) {
  begin({1, 1});
  arrive("a", "n1", 1);
  EXPECT_THAT(heartbeat("a"), ElementsAre("lease a p0/1"));
  start("a", "p0");
  EXPECT_THAT(heartbeat("a"), IsEmpty());
  handle(Stop{"ctrl-c", Millis(1'000)});
  EXPECT_THAT(heartbeat("a"), ElementsAre("cancel a p0/1"));
  finish("a", "p0", 1, OutcomeKind::Cancelled);
  EXPECT_THAT(heartbeat("a"), ElementsAre("drain a"));
}

TEST_F(CoreAgents, MessagesBeforeHelloAreRejected) {
  begin({1});
  EXPECT_THAT(ready("x"), IsEmpty());
  EXPECT_THAT(rejected, HasSubstr("x"));
  EXPECT_THAT(heartbeat("x"), IsEmpty());
  EXPECT_THAT(rejected, HasSubstr("x"));
  EXPECT_THAT(start("x", "p0"), IsEmpty());
  EXPECT_THAT(rejected, HasSubstr("p0 attempt 1"));
  EXPECT_THAT(handle(Goodbye{"x", "ends"}), IsEmpty());
  EXPECT_THAT(rejected, HasSubstr("x"));
  EXPECT_THAT(finish("x", "p0"), ElementsAre("settled x p0/1")) << "so that the agent can drop the attempt";
  EXPECT_FALSE(rejected.empty());
  EXPECT_TRUE(events.empty());
}

TEST_F(CoreAgents, MessagesAboutUnknownAttemptsAreRejected) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  const std::size_t before = events.size();
  for (const auto& [who, what, number] :
       {std::tuple{"a", "p1", 1}, {"a", "p0", 2}, {"a", "p0", 0}, {"a", "p0", -1}, {"a", "nonsense", 1}}) {
    EXPECT_THAT(start(who, what, number), IsEmpty());
    EXPECT_FALSE(rejected.empty()) << what << number;
    EXPECT_EQ(finish(who, what, number).size(), 1u);
    EXPECT_FALSE(rejected.empty()) << what << number;
  }
  EXPECT_EQ(events.size(), before);
}

TEST_F(CoreAgents, PointOfASilentAgentIsLeasedToAnother) {
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  EXPECT_EQ(next_deadline(state, now), now + settings.last_agent_timeout);
  EXPECT_THAT(wait(settings.agent_timeout - Millis(1), {"b"}), IsEmpty());
  EXPECT_FALSE(agent("a").gone);
  EXPECT_THAT(wait(Millis(1), {"b"}), IsEmpty());
  EXPECT_TRUE(agent("a").gone);
  EXPECT_EQ(agent("a").gone_reason, "no message for 45 s");
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_EQ(point("p0").infrastructure_failures, 1);
  EXPECT_EQ(point("p0").attempts[0].outcome->reason, "agent on n1 is gone: no message for 45 s");
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
}

// Four results of 60 MB kept the controller busy for longer than agents may be silent.
TEST_F(CoreAgents, TimeInWhichTheControllerDidNotReadIsNoSilence) {
  begin({1, 1});
  arrive("a", "n1", 1);
  arrive("b", "n2", 1);
  now += Millis(60'000);
  excuse_silence(state, Millis(60'000), now);
  wait(settings.agent_timeout - Millis(1));
  EXPECT_FALSE(agent("a").gone);
  EXPECT_FALSE(agent("b").gone);
  mark_seen(state, "b", now);
  wait(Millis(1));
  EXPECT_TRUE(agent("a").gone) << "from then on it counts";
}

TEST_F(CoreAgents, ExcusedSilenceDoesNotReachIntoTheFuture) {
  begin({1});
  arrive("a", "n1", 1);
  excuse_silence(state, Millis(60'000), now);
  EXPECT_EQ(agent("a").last_seen, now);
}

TEST_F(CoreAgents, AnyMessageOfAGoneAgentReinstatesItsAttempts) {
  settings.agent_timeout = Millis(1'000);
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  const auto is_back = [&] {
    return !agent("a").gone && point("p0").state == PointState::Running &&
           point("p0").infrastructure_failures == 0 && point("p0").bad_nodes.empty() &&
           !point("p0").attempts[0].outcome;
  };
  lose("a");
  EXPECT_THAT(heartbeat("a"), IsEmpty());
  EXPECT_TRUE(is_back());
  lose("a");
  EXPECT_THAT(join(agent_info("a", "n1", 1, 2)), ElementsAre("welcome a"));
  EXPECT_TRUE(is_back());
  lose("a");
  EXPECT_THAT(ready("a"), IsEmpty());
  EXPECT_TRUE(is_back());
  lose("a");
  EXPECT_THAT(start("a", "p0"), IsEmpty());
  EXPECT_TRUE(is_back());
  lose("a");
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted"));
  EXPECT_EQ(point("p0").state, PointState::Done);
}

TEST_F(CoreAgents, UnstartedLeaseIsRepeatedOnceWhenItsAgentReturns) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  lose("a");
  EXPECT_THAT(heartbeat("a"), ElementsAre("lease a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
  lose("a");
  EXPECT_THAT(join(agent_info("a", "n1", 1, 2)), ElementsAre("welcome a", "lease a p0/1"));
}

TEST_F(CoreAgents, ReturningAgentIsSentACancelIfItsPointWasLeasedAgain) {
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  lose("a");
  finish("b", "p1");
  ASSERT_EQ(point("p0").attempts.size(), 2u);
  EXPECT_THAT(heartbeat("a"), ElementsAre("cancel a p0/1"));
  EXPECT_THAT(finish("a", "p0", 1, OutcomeKind::Cancelled), ElementsAre("settled a p0/1"));
  EXPECT_EQ(point("p0").state, PointState::Leased);
}

TEST_F(CoreAgents, ReinstatedAttemptDoesNotClearAnEarlierFailureOfItsNode) {
  settings.infrastructure_retries = 5;
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  finish("a", "p0", 1, OutcomeKind::Infrastructure);
  handle(Goodbye{"b", "ends"});  // only n1 is left: a gets both points, one after the other
  ASSERT_EQ(point("p0").attempts.size(), 2u);
  arrive("c", "n3", 1, 2);
  lose("a");
  heartbeat("a");
  EXPECT_TRUE(point("p0").bad_nodes.contains("n1"));
  EXPECT_EQ(point("p0").infrastructure_failures, 1);
}

TEST_F(CoreAgents, GoodbyeReturnsPointsToTheQueueAtNoRetry) {
  settings.infrastructure_retries = 0;
  begin({1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  EXPECT_THAT(handle(Goodbye{"a", "time limit\x1b[0m"}), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Pending);
  EXPECT_EQ(point("p0").infrastructure_failures, 0);
  EXPECT_TRUE(point("p0").bad_nodes.empty());
  EXPECT_EQ(agent("a").gone_reason, "time limit?[0m");
  EXPECT_EQ(point("p0").attempts[0].outcome->kind, OutcomeKind::Preempted);
  EXPECT_THAT(finish("b", "p1"), ElementsAre("settled b p1/1 accepted", "lease b p0/2"));
  EXPECT_THAT(handle(Goodbye{"a", "again"}), IsEmpty());
}

TEST_F(CoreAgents, AgentThatReturnsAfterGoodbyeMayFinishItsAttempt) {
  begin({1, 1, 1});
  arrive("a", "n1", 1, 2);
  arrive("b", "n2", 1, 2);
  start("a", "p0");
  handle(Goodbye{"a", "time limit"});
  EXPECT_THAT(heartbeat("a"), IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Running);
  EXPECT_EQ(point("p0").infrastructure_failures, 0);
  EXPECT_THAT(finish("a", "p0"), ElementsAre("settled a p0/1 accepted"));
}

TEST_F(CoreAgents, LongReasonsAreTruncated) {
  begin({1});
  arrive("a", "n1", 1);
  handle(Goodbye{"a", std::string(4'096, 'x')});
  EXPECT_EQ(agent("a").gone_reason.size(), 1'024u);
}

TEST_F(CoreAgents, SweepClosesWhenItsLastAgentIsGone) {
  begin({1, 1});
  arrive("a", "n1", 1);
  handle(Goodbye{"a", "time limit"});
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_EQ(state.end_reason, "no node is left; n1 is gone: time limit");
  EXPECT_EQ(point("p1").state, PointState::Pending);
  EXPECT_THAT(heartbeat("a"), ElementsAre("drain a"));
}

TEST_F(CoreAgents, SweepWaitsForAnnouncedAgentsUntilTheJoinTimeout) {
  begin({1});
  arrive("a", "n1", 1, 2);
  handle(Goodbye{"a", "ends"});
  EXPECT_EQ(state.phase, Phase::Running);
  EXPECT_EQ(next_deadline(state, now), now + settings.join_timeout);
  EXPECT_THAT(arrive("b", "n2", 1, 2), ElementsAre("lease b p0/2"));
}

TEST_F(CoreAgents, HelloToAClosedSweepIsAnsweredWithDrain) {
  begin({1});
  arrive("a", "n1", 1);
  finish("a", "p0");
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(join(agent_info("new", "n2", 1)), ElementsAre("drain new complete"));
  EXPECT_EQ(decide(state, Goodbye{"new", "done"}, now).rejected, "");
  EXPECT_THAT(join(agent_info("a", "n1", 1)), ElementsAre("welcome a", "drain a complete"))
      << "it may still have a result to report";
  EXPECT_THAT(ready("a"), ElementsAre("drain a complete"));
  EXPECT_THAT(handle(Goodbye{"a", "done"}), IsEmpty());
  EXPECT_EQ(next_deadline(state, now), std::nullopt);
}

TEST_F(CoreAgents, MarkSeenMakesNoEventAndNeverMovesBack) {
  begin({1});
  arrive("a", "n1", 1);
  const std::size_t before = events.size();
  mark_seen(state, "a", now + Millis(5'000));
  mark_seen(state, "a", now);
  mark_seen(state, "nobody", now);
  EXPECT_EQ(agent("a").last_seen, now + Millis(5'000));
  EXPECT_EQ(events.size(), before);
}

}  // namespace
}  // namespace sweep::core
