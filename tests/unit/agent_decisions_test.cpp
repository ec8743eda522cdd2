// agent/core: decisions at the edges of the others: whose end counts, which answer is too late, which limit holds.
#include <csignal>

#include "agent/core/images.hpp"
#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

TEST(AgentDecisions, ServerThatDiesAfterItsClientHasEndedDoesNotFailTheAttempt) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.leave_result("p1", "{}");
  agent.feed(LeaderExited{{"p1", 1}, {0, {}}});
  agent.server_prints(1, "last words\n");
  agent.server_ends(1, {1, {}});
  agent.feed(GroupGone{{"p1", 1}});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(agent.finished("p1").account.server_says, IsEmpty());
}

TEST(AgentDecisions, CancelledAttemptIsNotBlamedOnItsContainer) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.receive(wire::Cancel{{"p", 1}, "ctrl-c"});
  agent.feed(SetupFailed{{"p", 1}, {true, "interrupted"}});
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentDecisions, AttemptWithoutAClientHasNoBenchmarkPhase) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.server_prints(1, "loading\n");
  agent.server_ends(1, {1, {}});
  EXPECT_THAT(agent.phases_of("p1"), Not(Contains("benchmark")));
}

TEST(AgentDecisions, AnswerToAnEarlierRequestIsNoSignOfReadiness) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  const AskServer first = agent.asked.back();
  agent.pass(Millis(10'500));  // no answer; asked again
  ASSERT_GT(agent.asked.back().serial, first.serial);
  agent.feed(ServerAnswered{first.ref, first.serial, 200, {}});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1"));
  agent.answer(200);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
}

TEST(AgentDecisions, LongestStartIsNotShorterThanTheLimitWithoutProgress) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.longest_ms = 10'000;  // timeouts.server is 60 s
  agent.receive(lease);
  agent.server_starts(1);
  agent.pass(Millis(59'999));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.signals.size(), 1U);
}

TEST(AgentDecisions, ServerThatHasPrintedIsNotHeldToTheLimitForItsFirstOutput) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.start_ms = 5'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.server_prints(1, "hello\n");
  agent.pass(Millis(30'000));
  EXPECT_THAT(agent.signals, IsEmpty());
}

TEST(AgentDecisions, ServerInUseDoesNotGiveItsGpusToAnotherPointOfItsKey) {
  ServingAgent agent(true);
  agent.serve_first("p1", 1, "k1", 2);
  agent.receive(ServingAgent::recipe("p2", "k1", 2));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "serve k1"));
  EXPECT_EQ(value(agent.spawned.back(), "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(AgentDecisions, ServerGoesOnLoadingWhenItsPointTimesOut) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.point_ms = 10'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.server_prints(1, "loading\n");
  agent.pass(Millis(10'000));
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::TimedOut);
  EXPECT_THAT(agent.signals, IsEmpty()) << "it did nothing wrong";
  agent.receive(ServingAgent::recipe("p2"));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1")) << "the next point waits for it";
}

// ---- without a controller

TEST(AgentDecisions, ConnectionsThatAreNotAnsweredDoNotProlongTheWait) {
  ScriptedAgent agent;
  agent.join();
  agent.disconnect();
  agent.pass(Millis(60'000));
  agent.connect();
  agent.disconnect();
  agent.pass(Millis(59'999));
  EXPECT_FALSE(agent.exited);
  agent.pass(Millis(1));
  EXPECT_TRUE(agent.exited) << "two minutes after the last answer";
}

TEST(AgentDecisions, WaitBeginsWithANewConnectionIfTheEndOfTheOldOneWasNotReported) {
  ScriptedAgent agent;
  agent.join();
  agent.pass(Millis(200'000));
  agent.connect();
  agent.pass(Millis(119'999));
  EXPECT_FALSE(agent.exited);
  agent.pass(Millis(1));
  EXPECT_TRUE(agent.exited);
}

TEST(AgentDecisions, NoImageIsFetchedAheadWhileAnotherIsStaged) {
  Images images;
  container::StageRequest present, next;
  present.container.image = "a";
  next.container.image = "b";
  Actions out;
  images.ensure(present, Millis(0), from_unix_ms(0), out);
  images.prefetch(next, out);
  EXPECT_EQ(out.size(), 1U);
  images.on({1, container::Staged{}});
  images.prefetch(next, out);
  EXPECT_EQ(out.size(), 2U);
}

TEST(AgentDecisions, AgentThatIsLeavingKeepsItsReason) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.disconnect();
  agent.pass(Millis(119'000));
  agent.feed(Signalled{SIGTERM});
  agent.pass(Millis(1'500));
  agent.exit("p", {{}, SIGTERM});
  agent.pass(Millis(10'000));
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->reason, "stopped by SIGTERM");
}

}  // namespace
}  // namespace sweep::agent
