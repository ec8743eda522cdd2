// agent/core: what outlives a connection, a controller or an agent: results in the spool, results that
// earlier agents left there, output while no controller answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "agent/core/backlog.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

Adopted left_by(const std::string& agent, const std::string& point, bool more = false) {
  Adopted out;
  out.finished.ref = {point, 1};
  out.finished.of = agent;
  out.bytes = "{\"of\": \"" + point + "\"}";
  out.more = more;
  return out;
}

/// Returns the output that was sent for one attempt, in order.
std::string output_of(const ScriptedAgent& agent, const std::string& point) {
  std::string all;
  for (const Send& send : agent.sent) {
    const auto* chunk = std::get_if<wire::LogChunk>(&send.message);
    if (chunk != nullptr && chunk->ref.point == point) all += send.bulk;
  }
  return all;
}

// ---- the spool

TEST(AgentSpool, IsOpenedOnceInTheDirectoryOfTheWelcome) {
  ScriptedAgent agent;
  agent.connect();
  EXPECT_FALSE(agent.opened);
  wire::Welcome welcome{"sweep-7", false, 10'000, 5'000};
  welcome.spool = "/local";
  agent.receive(welcome);
  ASSERT_TRUE(agent.opened);
  EXPECT_EQ(agent.opened->directory, "/local");
  EXPECT_EQ(agent.opened->sweep, "sweep-7");
  EXPECT_EQ(agent.opened->agent, "12.0.3");
  agent.disconnect();
  agent.join();  // the fixture fails if the spool is opened again
}

TEST(AgentSpool, ResultIsSpooledThenSentThenDroppedWhenSettled) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.leave_result("p", "{1}");
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});
  agent.driver_is_slow = true;
  agent.feed(GroupGone{{"p", 1}});
  agent.feed(ResultRead{{"p", 1}, FileStamp{1, 1, 3, 5}, "{1}", {}});
  ASSERT_EQ(agent.kept.size(), 1u);
  EXPECT_EQ(agent.kept[0].bytes, "{1}");
  EXPECT_EQ(agent.kept[0].finished.outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.kept[0].finished.of, "");
  agent.pass(Millis(100'000));
  agent.receive(ScriptedAgent::lease("p"));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty()) << "sent before it was on disk";
  agent.feed(Spooled{{"p", 1}});
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  EXPECT_THAT(agent.dropped, IsEmpty());
  EXPECT_THAT(agent.removed, IsEmpty());
  agent.feed(Spooled{{"p", 1}});
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);

  agent.receive(wire::Settled{{"p", 1}, true});
  ASSERT_EQ(agent.dropped.size(), 1u);
  EXPECT_EQ(agent.dropped[0].ref, (AttemptRef{"p", 1}));
  EXPECT_EQ(agent.dropped[0].of, "");
  EXPECT_THAT(agent.removed, ElementsAre("/home/u/result_p.json"));
}

TEST(AgentSpool, EveryOutcomeIsSpooledAndDroppedEvenIfNotAccepted) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.receive(ScriptedAgent::lease("refused"));  // fails, because the agent is busy
  agent.exit("p", {1, {}});
  ASSERT_EQ(agent.kept.size(), 2u);
  EXPECT_EQ(agent.kept[0].finished.ref.point, "refused");
  EXPECT_EQ(agent.kept[1].finished.outcome.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.kept[1].bytes, "");
  agent.receive(wire::Settled{{"p", 1}, false});
  agent.receive(wire::Settled{{"refused", 1}, false});
  EXPECT_EQ(agent.dropped.size(), 2u);
}

TEST(AgentSpool, WhileSpoolingTheGpusAreFreeAndTheAgentDoesNotEnd) {
  ScriptedAgent agent;
  agent.join(true);
  agent.lease_and_start("p", 4);
  agent.feed(LeaderExited{{"p", 1}, {1, {}}});
  agent.driver_is_slow = true;
  agent.feed(GroupGone{{"p", 1}});
  agent.feed(Signalled{SIGTERM});
  EXPECT_FALSE(agent.exited);
  agent.feed(Spooled{{"p", 1}});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::BenchmarkFailed);
  agent.receive(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(agent.exited);

  ScriptedAgent next;
  next.join(true);
  next.lease_and_start("p", 4);
  next.feed(LeaderExited{{"p", 1}, {1, {}}});
  next.driver_is_slow = true;
  next.feed(GroupGone{{"p", 1}});
  next.driver_is_slow = false;
  next.receive(ScriptedAgent::lease("q", 4));
  EXPECT_EQ(next.spawned.size(), 2u);
}

// ---- results of earlier agents

TEST(AgentAdoption, ResultIsSentUntilSettledInTheNameOfItsAgent) {
  ScriptedAgent agent;
  agent.left_results = {left_by("11.0.0", "p")};
  agent.join();
  ASSERT_EQ(agent.messages<wire::Finished>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Finished>()[0].of, "11.0.0");
  EXPECT_EQ(agent.sent.back().bulk, left_by("", "p").bytes);
  agent.pass(Millis(29'999));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  agent.pass(Millis(1));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 2u);
  agent.disconnect();
  agent.pass(Millis(31'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 2u);
  agent.join();
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 3u);

  agent.receive(wire::Settled{{"p", 1}, false});
  ASSERT_EQ(agent.dropped.size(), 1u);
  EXPECT_EQ(agent.dropped[0].of, "11.0.0");
  agent.pass(Millis(60'000));
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 3u);
  EXPECT_THAT(agent.removed, IsEmpty());
  EXPECT_THAT(agent.kept, IsEmpty());
}

TEST(AgentAdoption, ResultTakesNoGpuAndNoLease) {
  ScriptedAgent agent;
  agent.left_results = {left_by("11.0.0", "old")};
  agent.join();
  agent.lease_and_start("p");
  EXPECT_EQ(agent.spawned.size(), 1u);
}

TEST(AgentAdoption, DrainWaitsForAllAdoptedResults) {
  ScriptedAgent agent;
  agent.left_results = {left_by("11.0.0", "p", true)};
  agent.join();
  agent.receive(wire::Drain{true, "over"});
  EXPECT_FALSE(agent.exited);
  agent.receive(wire::Settled{{"p", 1}, true});
  EXPECT_FALSE(agent.exited) << "there is more";
  agent.feed(left_by("11.0.0", "q"));
  EXPECT_FALSE(agent.exited);
  agent.receive(wire::Settled{{"q", 1}, true});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 0);
}

TEST(AgentAdoption, SignalAndLostControllerDoNotWaitForAdoptedResults) {
  ScriptedAgent agent;
  agent.left_results = {left_by("11.0.0", "p")};
  agent.join();
  agent.feed(Signalled{SIGTERM});
  EXPECT_TRUE(agent.exited);

  ScriptedAgent lost;
  lost.left_results = {left_by("11.0.0", "p")};
  lost.join();
  lost.receive(wire::Drain{true, "over"});
  lost.disconnect();
  lost.pass(Millis(120'000));
  EXPECT_TRUE(lost.exited);
  EXPECT_THAT(lost.dropped, IsEmpty());
}

// ---- without a controller

TEST(AgentAway, AgentRunsWithoutControllerAsLongAsTheWelcomeAllows) {
  ScriptedAgent agent;
  agent.connect();
  wire::Welcome welcome{"s", false, 10'000, 5'000};
  welcome.away_ms = 600'000;
  agent.receive(welcome);
  agent.lease_and_start("p");
  agent.disconnect();
  agent.pass(Millis(599'999));
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.exit("p", {{}, SIGTERM});
  ASSERT_TRUE(agent.exited);
  EXPECT_THAT(agent.exited->reason, HasSubstr("no connection to the controller at tcp://host:5 for 600 s"));
  EXPECT_THAT(agent.exited->reason, HasSubstr("--sweep-resume"));
  ASSERT_EQ(agent.kept.size(), 1u);  // kept for the next agent
  EXPECT_EQ(agent.kept[0].finished.outcome.kind, OutcomeKind::Infrastructure);
  EXPECT_THAT(agent.dropped, IsEmpty());
}

TEST(AgentAway, DeadlinesHoldAndResultsAreKept) {
  ScriptedAgent agent;
  agent.join(true);
  wire::Lease limited = ScriptedAgent::lease("limited", 1);
  limited.timeouts.point_ms = 50'000;
  agent.receive(limited);
  agent.start("limited");
  agent.lease_and_start("ends", 1);
  agent.disconnect();
  agent.leave_result("ends", "{}");
  agent.exit("ends");
  ASSERT_EQ(agent.kept.size(), 1u);
  agent.pass(Millis(50'000));
  EXPECT_EQ(agent.signals.back().ref.point, "limited");
  agent.exit("limited", {{}, SIGTERM});
  EXPECT_EQ(agent.kept.size(), 2u);
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.join(true);
  ASSERT_EQ(agent.messages<wire::Finished>().size(), 2u);
  EXPECT_EQ(agent.messages<wire::Finished>()[0].outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.messages<wire::Finished>()[1].outcome.kind, OutcomeKind::Ok);
}

TEST(AgentAway, KeptOutputIsSentInOrderAfterWelcomeAndBeforeFinished) {
  ScriptedAgent agent;
  agent.join(true);
  agent.lease_and_start("p", 1);
  agent.lease_and_start("q", 1);
  agent.print("p", "before ");
  agent.disconnect();
  agent.print("p", "away ");
  agent.print("p", "oops ", true);
  agent.connect();  // not welcomed yet
  agent.print("p", "still ");
  agent.print("q", "other");
  agent.exit("q", {1, {}});
  EXPECT_EQ(output_of(agent, "p"), "before ");
  agent.welcome(true);
  agent.print("p", "after");
  EXPECT_EQ(output_of(agent, "p"), "before away oops still after");
  EXPECT_EQ(output_of(agent, "q"), "other");
  // The fixture fails if output comes after the attempt's Finished.
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1u);
  agent.disconnect();
  agent.join(true);
  EXPECT_EQ(output_of(agent, "p"), "before away oops still after") << "sent twice";
}

TEST(AgentAway, KeptOutputIsBoundedPerAttempt) {
  ScriptedAgent agent;
  agent.join(true);
  agent.lease_and_start("p", 1);
  agent.lease_and_start("q", 1);
  agent.disconnect();
  agent.print("q", "short");
  const std::string much(3 << 20, 'x');
  agent.print("p", "first" + much + "last");
  agent.join(true);
  const std::string kept = output_of(agent, "p");
  EXPECT_LE(kept.size(), (1u << 20) + 200);
  EXPECT_GT(kept.size(), 1u << 19);
  EXPECT_THAT(kept, StartsWith("\n[slurm-sweep: "));
  EXPECT_THAT(kept, testing::EndsWith("xlast"));
  EXPECT_EQ(output_of(agent, "q"), "short");
  for (const Send& send : agent.sent)
    EXPECT_LE(send.bulk.size(), 65'536u);
}

std::string text_of(const std::vector<OutputPiece>& pieces, bool is_stderr) {
  std::string all;
  for (const auto& piece : pieces) {
    if (piece.is_stderr == is_stderr) all += piece.bytes;
  }
  return all;
}

TEST(AgentBacklog, ReportsDroppedBytesInTheStreamThatLostThem) {
  Backlog backlog(1'000);
  backlog.add(true, "error");
  backlog.add(false, std::string(2'000, 'a') + "b");
  const auto pieces = backlog.take(100);
  const std::string out = text_of(pieces, false), err = text_of(pieces, true);
  EXPECT_THAT(err, StartsWith("\n[slurm-sweep: 5 bytes "));
  const std::size_t left = out.substr(out.find("]\n") + 2).size();
  EXPECT_THAT(out, StartsWith("\n[slurm-sweep: " + std::to_string(2'001 - left) + " bytes "));
  EXPECT_THAT(out, testing::EndsWith("ab"));
  EXPECT_GT(left, 800u);
  EXPECT_LE(left, 1'000u);
  EXPECT_THAT(backlog.take(100), IsEmpty());

  backlog.add(false, "again");
  EXPECT_EQ(text_of(backlog.take(100), false), "again");
}

TEST(AgentBacklog, IsBoundedAlsoWhenOutputArrivesByteByByte) {
  Backlog backlog(1 << 20);
  for (int i = 0; i < 200'000; ++i)
    backlog.add(i % 2 == 1, "x");
  EXPECT_LE(backlog.take(100).size(), (std::size_t{1} << 20) / 64 + 2);
}

TEST(AgentAway, WelcomeOfACutConnectionIsIgnored) {
  ScriptedAgent agent;
  agent.join();
  agent.disconnect();
  agent.feed(Received{wire::Welcome{"s", false, 10'000, 5'000}});
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 1u);
  const auto next = agent.next_deadline();
  ASSERT_TRUE(next);
  // it waits for the controller until then, and no heartbeat is due
  EXPECT_EQ(*next, agent.now + Millis(120'000));
  agent.feed(Received{wire::Drain{true, "over"}});
  EXPECT_TRUE(agent.exited);
}

}  // namespace
}  // namespace sweep::agent
