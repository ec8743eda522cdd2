// agent/core: an attempt from lease to Settled; connections that are cut; the end of the sweep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(AgentFlow, HelloThenReadyThenOnePointUntilItIsSettled) {
  ScriptedAgent agent;
  EXPECT_TRUE(agent.sent.empty());
  agent.connect();
  ASSERT_EQ(agent.messages<wire::Hello>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Hello>()[0].agent, "12.0.3");
  EXPECT_TRUE(agent.messages<wire::Ready>().empty());
  agent.welcome();
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 1u);

  agent.receive(ScriptedAgent::lease("p"));
  ASSERT_EQ(agent.spawned.size(), 1u);
  EXPECT_THAT(agent.spawned[0].argv, ElementsAre("bench", "-v"));
  EXPECT_EQ(agent.spawned[0].directory, "");
  EXPECT_EQ(value(agent.spawned[0], "CONC"), "4");
  EXPECT_TRUE(agent.messages<wire::Started>().empty());
  agent.start("p", 815);
  ASSERT_EQ(agent.messages<wire::Started>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Started>()[0].pid, 815);

  agent.print("p", "hello\n");
  EXPECT_EQ(agent.sent.back().bulk, "hello\n");
  agent.pass(Millis(1500));
  agent.leave_result("p", "{1}");
  agent.exit("p");
  ASSERT_EQ(agent.messages<wire::Finished>().size(), 1u);
  const wire::Finished finished = agent.messages<wire::Finished>()[0];
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(finished.outcome.exit_code, 0);
  EXPECT_EQ(finished.wall_ms, 1500);
  EXPECT_EQ(agent.sent.back().bulk, "{1}");
  EXPECT_TRUE(agent.removed.empty());

  agent.receive(wire::Settled{{"p", 1}, true});
  EXPECT_THAT(agent.removed, ElementsAre("/home/u/result_p.json"));
  agent.pass(Millis(300'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  EXPECT_FALSE(agent.exited);
}

TEST(AgentFlow, NoTimerDelaysFinishedAfterTheProcessEnds) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.leave_result("p", "{}");
  const Instant before = agent.now;
  agent.exit("p");
  EXPECT_EQ(agent.now, before);
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(AgentFlow, ResultFileThatIsNotAcceptedIsNotRemoved) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.receive(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(agent.removed.empty());
  agent.pass(Millis(100'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
}

TEST(AgentFlow, RepeatedLeaseIsAnsweredButNotRunAgain) {
  ScriptedAgent agent;
  agent.join();
  agent.receive(ScriptedAgent::lease("p"));
  agent.receive(ScriptedAgent::lease("p"));  // not started yet, so there is nothing to repeat
  EXPECT_TRUE(agent.messages<wire::Started>().empty());
  agent.start("p", 815);
  agent.receive(ScriptedAgent::lease("p"));
  ASSERT_EQ(agent.messages<wire::Started>().size(), 2u);
  EXPECT_EQ(agent.messages<wire::Started>()[1].pid, 815);
  agent.exit("p", {1, {}});
  agent.receive(ScriptedAgent::lease("p"));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 2u);
  EXPECT_EQ(agent.spawned.size(), 1u);
}

TEST(AgentFlow, FinishedIsResentUntilSettled) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.pass(Millis(29'999));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  agent.pass(Millis(1));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 2u);
  agent.pass(Millis(30'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 3u);
  agent.receive(wire::Settled{{"p", 1}, true});
  agent.pass(Millis(90'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 3u);
}

TEST(AgentFlow, NewConnectionGetsHelloThenWhatMayHaveBeenLost) {
  ScriptedAgent agent;
  agent.join(true);
  agent.lease_and_start("done", 1);
  agent.leave_result("done", "{}");
  agent.lease_and_start("runs", 1);
  agent.disconnect();
  const std::size_t before = agent.sent.size();
  agent.exit("done");
  agent.print("runs", " 10%|#         | 1/10 [");
  agent.pass(Millis(31'000));
  EXPECT_EQ(agent.sent.size(), before);

  agent.connect();
  EXPECT_EQ(agent.messages<wire::Hello>().size(), 2u);
  EXPECT_TRUE(agent.messages<wire::Finished>().empty());
  agent.welcome(true);
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  ASSERT_FALSE(agent.messages<wire::Progress>().empty());
  EXPECT_EQ(agent.messages<wire::Progress>().back().done, 1);
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 2u);
}

TEST(AgentFlow, HeartbeatIsSentWhenNothingElseWas) {
  ScriptedAgent agent;
  agent.join();
  agent.pass(Millis(5'000));
  agent.receive(wire::Cancel{{"nobody", 1}, "x"});  // received messages do not delay the heartbeat
  agent.pass(Millis(4'999));
  EXPECT_TRUE(agent.messages<wire::Heartbeat>().empty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.messages<wire::Heartbeat>().size(), 1u);
  agent.lease_and_start("p");
  agent.pass(Millis(6'000));
  agent.print("p", "x");  // sent messages do
  agent.pass(Millis(6'000));
  EXPECT_EQ(agent.messages<wire::Heartbeat>().size(), 1u);
  agent.pass(Millis(4'000));
  EXPECT_EQ(agent.messages<wire::Heartbeat>().size(), 2u);
}

TEST(AgentFlow, AgentEndsWithoutTimelyWelcome) {
  ScriptedAgent silent;
  silent.connect();
  silent.pass(Millis(59'999));
  EXPECT_FALSE(silent.exited);
  silent.pass(Millis(1));
  ASSERT_TRUE(silent.exited);
  EXPECT_EQ(silent.exited->status, 1);
  EXPECT_EQ(silent.exited->reason, "no answer from the controller at tcp://host:5 within 60 s");
}

TEST(AgentFlow, LongConnectionLossStopsBenchmarksAndEndsTheAgent) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.disconnect();
  agent.pass(Millis(119'999));
  EXPECT_TRUE(agent.signals.empty());
  agent.pass(Millis(1));
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.exited);
  agent.exit("p", {{}, 15});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 1);
  EXPECT_THAT(agent.exited->reason, HasSubstr("tcp://host:5"));
}

TEST(AgentFlow, ReconnectedWhileLeavingAgentSendsFinishedButNotReady) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.disconnect();
  agent.pass(Millis(120'000));
  agent.connect();
  agent.welcome();
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 1u);
  agent.exit("p", {{}, 15});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(agent.messages<wire::Goodbye>().size(), 1u);
  EXPECT_TRUE(agent.exited);
}

TEST(AgentFlow, ShortConnectionLossStopsNothing) {
  ScriptedAgent agent;
  agent.join();
  for (int i = 0; i < 3; ++i) {
    agent.disconnect();
    agent.pass(Millis(100'000));
    agent.join();
  }
  EXPECT_FALSE(agent.exited);
}

TEST(AgentFlow, EndsIfRejectedRefusedOrOfAnotherVersion) {
  ScriptedAgent rejected;
  rejected.connect();
  rejected.receive(wire::Reject{"already taking part"});
  ASSERT_TRUE(rejected.exited);
  EXPECT_EQ(rejected.exited->status, 1);
  EXPECT_THAT(rejected.exited->reason, HasSubstr("already taking part"));
  EXPECT_TRUE(
      rejected.messages<wire::Goodbye>().empty());  // another agent with this name may still be connected

  ScriptedAgent refused;
  refused.feed(Refused{});
  ASSERT_TRUE(refused.exited);
  EXPECT_EQ(refused.exited->status, 1);
  EXPECT_THAT(refused.exited->reason, HasSubstr("tcp://host:5"));

  ScriptedAgent old;
  old.connect();
  old.feed(Undecodable{wire::DecodeFault::Malformed, "nonsense"});
  EXPECT_FALSE(old.exited);
  EXPECT_EQ(old.warned.size(), 1u);
  old.feed(Undecodable{wire::DecodeFault::WrongVersion, "upgrade"});
  ASSERT_TRUE(old.exited);
  EXPECT_EQ(old.exited->status, 1);
  EXPECT_THAT(old.exited->reason, HasSubstr("upgrade"));
}

TEST(AgentFlow, DrainLetsRunningAttemptsFinish) {
  for (const bool complete : {true, false}) {
    ScriptedAgent agent;
    agent.join();
    agent.lease_and_start("p");
    agent.leave_result("p", "{}");
    agent.receive(wire::Drain{complete, "over"});
    EXPECT_TRUE(agent.signals.empty());
    agent.exit("p");
    EXPECT_FALSE(agent.exited);  // not settled yet
    agent.receive(wire::Settled{{"p", 1}, true});
    ASSERT_TRUE(agent.exited);
    EXPECT_EQ(agent.exited->status, complete ? 0 : 1);
    EXPECT_EQ(agent.exited->reason, "");
    ASSERT_EQ(agent.messages<wire::Goodbye>().size(), 1u);
    EXPECT_EQ(agent.messages<wire::Goodbye>()[0].reason, "over");
    EXPECT_EQ(agent.removed.size(), 1u);
  }
}

TEST(AgentFlow, ExitStatusIs3IfEveryPointIsDoneButAResultIsNotValid) {
  for (const bool complete : {true, false}) {
    ScriptedAgent agent;
    agent.connect();
    agent.receive(wire::Drain{complete, "over", true});
    ASSERT_TRUE(agent.exited);
    EXPECT_EQ(agent.exited->status, complete ? 3 : 1);
  }
}

TEST(AgentFlow, DrainCanBeTheAnswerToHello) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(wire::Drain{true, "the sweep is over"});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 0);
}

TEST(AgentFlow, UnexpectedInputsAreIgnored) {
  ScriptedAgent agent;
  agent.connect();
  agent.receive(ScriptedAgent::lease("early"));  // before Welcome
  EXPECT_TRUE(agent.spawned.empty());
  agent.welcome();
  const std::size_t before = agent.sent.size();
  agent.receive(wire::Hello{});
  agent.receive(wire::Finished{});
  agent.receive(wire::StatusReply{});
  agent.receive(wire::Settled{{"nobody", 1}, true});
  agent.receive(wire::Cancel{{"nobody", 1}, "why"});
  agent.feed(GroupGone{{"nobody", 1}});
  agent.feed(Output{{"nobody", 1}, false, "x"});
  EXPECT_EQ(agent.sent.size(), before);

  agent.receive(ScriptedAgent::lease("p"));
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});  // before it started
  agent.feed(GroupGone{{"p", 1}});
  agent.feed(ResultRead{});
  agent.start("p");
  agent.receive(wire::Settled{{"p", 1}, true});  // while it runs
  agent.feed(GroupGone{{"p", 1}});               // while its first process is alive
  EXPECT_TRUE(agent.messages<wire::Finished>().empty());
  agent.leave_result("p", "{}");
  agent.exit("p");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

}  // namespace
}  // namespace sweep::agent
