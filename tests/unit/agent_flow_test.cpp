// agent/core: the way of an attempt, from lease to Settled; connections that are cut; the end of the sweep.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(AgentFlow, HelloThenReadyThenAPointToItsEnd) {
  ScriptedAgent scene;
  EXPECT_TRUE(scene.sent.empty());
  scene.connect();
  ASSERT_EQ(scene.said<wire::Hello>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Hello>()[0].agent, "12.0.3");
  EXPECT_TRUE(scene.said<wire::Ready>().empty());
  scene.welcome();
  EXPECT_EQ(scene.said<wire::Ready>().size(), 1u);

  scene.hear(ScriptedAgent::lease("p"));
  ASSERT_EQ(scene.spawned.size(), 1u);
  EXPECT_THAT(scene.spawned[0].argv, ElementsAre("bench", "-v"));
  EXPECT_EQ(scene.spawned[0].directory, "");
  EXPECT_EQ(value(scene.spawned[0], "CONC"), "4");
  EXPECT_TRUE(scene.said<wire::Started>().empty());
  scene.start("p", 815);
  ASSERT_EQ(scene.said<wire::Started>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Started>()[0].pid, 815);

  scene.print("p", "hello\n");
  EXPECT_EQ(scene.sent.back().bulk, "hello\n");
  scene.pass(Millis(1500));
  scene.leave_result("p", "{1}");
  scene.exit("p");
  ASSERT_EQ(scene.said<wire::Finished>().size(), 1u);
  const wire::Finished finished = scene.said<wire::Finished>()[0];
  EXPECT_EQ(finished.outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(finished.outcome.exit_code, 0);
  EXPECT_EQ(finished.wall_ms, 1500);
  EXPECT_EQ(scene.sent.back().bulk, "{1}");
  EXPECT_TRUE(scene.removed.empty());

  scene.hear(wire::Settled{{"p", 1}, true});
  EXPECT_THAT(scene.removed, ElementsAre("/home/u/result_p.json"));
  scene.pass(Millis(300'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  EXPECT_FALSE(scene.exited);
}

TEST(AgentFlow, FromTheEndOfTheProcessToFinishedNothingWaitsForTime) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.leave_result("p", "{}");
  const Instant before = scene.now;
  scene.exit("p");
  EXPECT_EQ(scene.now, before);
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
}

TEST(AgentFlow, AResultThatDoesNotCountStaysWhereItIs) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.leave_result("p", "{}");
  scene.exit("p");
  scene.hear(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(scene.removed.empty());
  scene.pass(Millis(100'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
}

TEST(AgentFlow, ARepeatedLeaseIsAnsweredAndNotRunAgain) {
  ScriptedAgent scene;
  scene.join();
  scene.hear(ScriptedAgent::lease("p"));
  scene.hear(ScriptedAgent::lease("p"));  // not started yet: nothing to answer
  EXPECT_TRUE(scene.said<wire::Started>().empty());
  scene.start("p", 815);
  scene.hear(ScriptedAgent::lease("p"));
  ASSERT_EQ(scene.said<wire::Started>().size(), 2u);
  EXPECT_EQ(scene.said<wire::Started>()[1].pid, 815);
  scene.exit("p", {1, {}});
  scene.hear(ScriptedAgent::lease("p"));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 2u);
  EXPECT_EQ(scene.spawned.size(), 1u);
}

TEST(AgentFlow, FinishedIsSaidAgainUntilSettled) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.leave_result("p", "{}");
  scene.exit("p");
  scene.pass(Millis(29'999));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  scene.pass(Millis(1));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 2u);
  scene.pass(Millis(30'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 3u);
  scene.hear(wire::Settled{{"p", 1}, true});
  scene.pass(Millis(90'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 3u);
}

TEST(AgentFlow, ANewConnectionGetsHelloAndThenWhatMayBeLost) {
  ScriptedAgent scene;
  scene.join(true);
  scene.lease_and_start("done", 1);
  scene.leave_result("done", "{}");
  scene.lease_and_start("runs", 1);
  scene.disconnect();
  const std::size_t before = scene.sent.size();
  scene.exit("done");
  scene.print("runs", " 10%|#         | 1/10 [");
  scene.pass(Millis(31'000));
  EXPECT_EQ(scene.sent.size(), before);

  scene.connect();
  EXPECT_EQ(scene.said<wire::Hello>().size(), 2u);
  EXPECT_TRUE(scene.said<wire::Finished>().empty());
  scene.welcome(true);
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  ASSERT_FALSE(scene.said<wire::Progress>().empty());
  EXPECT_EQ(scene.said<wire::Progress>().back().done, 1);
  EXPECT_EQ(scene.said<wire::Ready>().size(), 2u);
}

TEST(AgentFlow, AHeartbeatWhenNothingElseWasSaid) {
  ScriptedAgent scene;
  scene.join();
  scene.pass(Millis(5'000));
  scene.hear(wire::Cancel{{"nobody", 1}, "x"});  // hearing is not saying
  scene.pass(Millis(4'999));
  EXPECT_TRUE(scene.said<wire::Heartbeat>().empty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.said<wire::Heartbeat>().size(), 1u);
  scene.lease_and_start("p");
  scene.pass(Millis(6'000));
  scene.print("p", "x");  // counts as a word
  scene.pass(Millis(6'000));
  EXPECT_EQ(scene.said<wire::Heartbeat>().size(), 1u);
  scene.pass(Millis(4'000));
  EXPECT_EQ(scene.said<wire::Heartbeat>().size(), 2u);
}

TEST(AgentFlow, NoWelcomeInTimeEndsIt) {
  ScriptedAgent silent;
  silent.connect();
  silent.pass(Millis(59'999));
  EXPECT_FALSE(silent.exited);
  silent.pass(Millis(1));
  ASSERT_TRUE(silent.exited);
  EXPECT_EQ(silent.exited->status, 1);
  EXPECT_EQ(silent.exited->reason, "no answer within 60 s to the controller at tcp://host:5");
}

TEST(AgentFlow, ALongLossOfTheConnectionStopsBenchmarksAndEndsIt) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.disconnect();
  scene.pass(Millis(119'999));
  EXPECT_TRUE(scene.signals.empty());
  scene.pass(Millis(1));
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.exited);
  scene.exit("p", {{}, 15});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 1);
  EXPECT_THAT(scene.exited->reason, HasSubstr("tcp://host:5"));
}

TEST(AgentFlow, AConnectionThatComesBackWhileLeavingGetsTheEndButNoReady) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.disconnect();
  scene.pass(Millis(120'000));
  scene.connect();
  scene.welcome();
  EXPECT_EQ(scene.said<wire::Ready>().size(), 1u);
  scene.exit("p", {{}, 15});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Infrastructure);
  EXPECT_EQ(scene.said<wire::Goodbye>().size(), 1u);
  EXPECT_TRUE(scene.exited);
}

TEST(AgentFlow, AShortLossDoesNot) {
  ScriptedAgent scene;
  scene.join();
  for (int i = 0; i < 3; ++i) {
    scene.disconnect();
    scene.pass(Millis(100'000));
    scene.join();
  }
  EXPECT_FALSE(scene.exited);
}

TEST(AgentFlow, RejectedRefusedOrOfAnotherVersion) {
  ScriptedAgent rejected;
  rejected.connect();
  rejected.hear(wire::Reject{"already taking part"});
  ASSERT_TRUE(rejected.exited);
  EXPECT_EQ(rejected.exited->status, 1);
  EXPECT_THAT(rejected.exited->reason, HasSubstr("already taking part"));
  EXPECT_TRUE(rejected.said<wire::Goodbye>().empty());  // the agent of that name has not left

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

TEST(AgentFlow, DrainLetsItEndWhatItHas) {
  for (const bool complete : {true, false}) {
    ScriptedAgent scene;
    scene.join();
    scene.lease_and_start("p");
    scene.leave_result("p", "{}");
    scene.hear(wire::Drain{complete, "over"});
    EXPECT_TRUE(scene.signals.empty());
    scene.exit("p");
    EXPECT_FALSE(scene.exited);  // not settled
    scene.hear(wire::Settled{{"p", 1}, true});
    ASSERT_TRUE(scene.exited);
    EXPECT_EQ(scene.exited->status, complete ? 0 : 1);
    EXPECT_EQ(scene.exited->reason, "");
    ASSERT_EQ(scene.said<wire::Goodbye>().size(), 1u);
    EXPECT_EQ(scene.said<wire::Goodbye>()[0].reason, "over");
    EXPECT_EQ(scene.removed.size(), 1u);
  }
}

TEST(AgentFlow, DrainAsTheAnswerToHello) {
  ScriptedAgent scene;
  scene.connect();
  scene.hear(wire::Drain{true, "the sweep is over"});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 0);
}

TEST(AgentFlow, WhatMakesNoSenseIsIgnored) {
  ScriptedAgent scene;
  scene.connect();
  scene.hear(ScriptedAgent::lease("early"));  // before Welcome
  EXPECT_TRUE(scene.spawned.empty());
  scene.welcome();
  const std::size_t before = scene.sent.size();
  scene.hear(wire::Hello{});
  scene.hear(wire::Finished{});
  scene.hear(wire::StatusReply{});
  scene.hear(wire::Settled{{"nobody", 1}, true});
  scene.hear(wire::Cancel{{"nobody", 1}, "why"});
  scene.feed(GroupGone{{"nobody", 1}});
  scene.feed(Output{{"nobody", 1}, false, "x"});
  EXPECT_EQ(scene.sent.size(), before);

  scene.hear(ScriptedAgent::lease("p"));
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});  // before it started
  scene.feed(GroupGone{{"p", 1}});
  scene.feed(ResultRead{});
  scene.start("p");
  scene.hear(wire::Settled{{"p", 1}, true});  // while it runs
  scene.feed(GroupGone{{"p", 1}});            // while its first process lives
  EXPECT_TRUE(scene.said<wire::Finished>().empty());
  scene.leave_result("p", "{}");
  scene.exit("p");
  scene.exit("p");
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
}

}  // namespace
}  // namespace sweep::agent
