// agent/core: what outlives a connection, a controller or an agent: results in the spool, results that others
// left there, output while nobody answers.
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

/// What was said of one attempt's output, in its order.
std::string output_of(const ScriptedAgent& scene, const std::string& point) {
  std::string all;
  for (const Send& send : scene.sent) {
    const auto* chunk = std::get_if<wire::LogChunk>(&send.message);
    if (chunk != nullptr && chunk->ref.point == point) all += send.bulk;
  }
  return all;
}

// ---- the spool

TEST(AgentSpool, IsOpenedOnceWhereTheWelcomeSays) {
  ScriptedAgent scene;
  scene.connect();
  EXPECT_FALSE(scene.opened);
  wire::Welcome welcome{"sweep-7", false, 10'000, 5'000};
  welcome.spool = "/local";
  scene.hear(welcome);
  ASSERT_TRUE(scene.opened);
  EXPECT_EQ(scene.opened->directory, "/local");
  EXPECT_EQ(scene.opened->sweep, "sweep-7");
  EXPECT_EQ(scene.opened->agent, "12.0.3");
  scene.disconnect();
  scene.join();  // the scene fails where it is opened again
}

TEST(AgentSpool, AResultIsKeptThenSaidThenDroppedWhenSettled) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.leave_result("p", "{1}");
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});
  scene.machine_is_slow = true;
  scene.feed(GroupGone{{"p", 1}});
  scene.feed(ResultRead{{"p", 1}, FileStamp{1, 1, 3, 5}, "{1}", {}});
  ASSERT_EQ(scene.kept.size(), 1u);
  EXPECT_EQ(scene.kept[0].bytes, "{1}");
  EXPECT_EQ(scene.kept[0].finished.outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(scene.kept[0].finished.of, "");
  scene.pass(Millis(100'000));
  scene.hear(ScriptedAgent::lease("p"));
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty()) << "said before it was on disk";
  scene.feed(Spooled{{"p", 1}});
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  EXPECT_THAT(scene.dropped, IsEmpty());
  EXPECT_THAT(scene.removed, IsEmpty());
  scene.feed(Spooled{{"p", 1}});
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);

  scene.hear(wire::Settled{{"p", 1}, true});
  ASSERT_EQ(scene.dropped.size(), 1u);
  EXPECT_EQ(scene.dropped[0].ref, (AttemptRef{"p", 1}));
  EXPECT_EQ(scene.dropped[0].of, "");
  EXPECT_THAT(scene.removed, ElementsAre("/home/u/result_p.json"));
}

TEST(AgentSpool, EveryEndIsKeptAndDroppedAlsoOneThatDoesNotCount) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.hear(ScriptedAgent::lease("refused"));  // the agent is busy
  scene.exit("p", {1, {}});
  ASSERT_EQ(scene.kept.size(), 2u);
  EXPECT_EQ(scene.kept[0].finished.ref.point, "refused");
  EXPECT_EQ(scene.kept[1].finished.outcome.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(scene.kept[1].bytes, "");
  scene.hear(wire::Settled{{"p", 1}, false});
  scene.hear(wire::Settled{{"refused", 1}, false});
  EXPECT_EQ(scene.dropped.size(), 2u);
}

TEST(AgentSpool, WhileItIsWrittenTheGpusAreFreeAndTheAgentStays) {
  ScriptedAgent scene;
  scene.join(true);
  scene.lease_and_start("p", 4);
  scene.feed(LeaderExited{{"p", 1}, {1, {}}});
  scene.machine_is_slow = true;
  scene.feed(GroupGone{{"p", 1}});
  scene.feed(Signalled{SIGTERM});
  EXPECT_FALSE(scene.exited);
  scene.feed(Spooled{{"p", 1}});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::BenchmarkFailed);
  scene.hear(wire::Settled{{"p", 1}, false});
  EXPECT_TRUE(scene.exited);

  ScriptedAgent next;
  next.join(true);
  next.lease_and_start("p", 4);
  next.feed(LeaderExited{{"p", 1}, {1, {}}});
  next.machine_is_slow = true;
  next.feed(GroupGone{{"p", 1}});
  next.machine_is_slow = false;
  next.hear(ScriptedAgent::lease("q", 4));
  EXPECT_EQ(next.spawned.size(), 2u);
}

// ---- what others left

TEST(AgentAdoption, IsHandedInUntilSettledInTheNameOfItsAgent) {
  ScriptedAgent scene;
  scene.left_behind = {left_by("11.0.0", "p")};
  scene.join();
  ASSERT_EQ(scene.said<wire::Finished>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Finished>()[0].of, "11.0.0");
  EXPECT_EQ(scene.sent.back().bulk, left_by("", "p").bytes);
  scene.pass(Millis(29'999));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  scene.pass(Millis(1));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 2u);
  scene.disconnect();
  scene.pass(Millis(31'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 2u);
  scene.join();
  EXPECT_EQ(scene.said<wire::Finished>().size(), 3u);

  scene.hear(wire::Settled{{"p", 1}, false});
  ASSERT_EQ(scene.dropped.size(), 1u);
  EXPECT_EQ(scene.dropped[0].of, "11.0.0");
  scene.pass(Millis(60'000));
  EXPECT_EQ(scene.said<wire::Finished>().size(), 3u);
  EXPECT_THAT(scene.removed, IsEmpty());
  EXPECT_THAT(scene.kept, IsEmpty());
}

TEST(AgentAdoption, TakesNoGpuAndNoLeaseAway) {
  ScriptedAgent scene;
  scene.left_behind = {left_by("11.0.0", "old")};
  scene.join();
  scene.lease_and_start("p");
  EXPECT_EQ(scene.spawned.size(), 1u);
}

TEST(AgentAdoption, DrainWaitsForItAndForWhatComesAfterIt) {
  ScriptedAgent scene;
  scene.left_behind = {left_by("11.0.0", "p", true)};
  scene.join();
  scene.hear(wire::Drain{true, "over"});
  EXPECT_FALSE(scene.exited);
  scene.hear(wire::Settled{{"p", 1}, true});
  EXPECT_FALSE(scene.exited) << "there is more";
  scene.feed(left_by("11.0.0", "q"));
  EXPECT_FALSE(scene.exited);
  scene.hear(wire::Settled{{"q", 1}, true});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 0);
}

TEST(AgentAdoption, ButNeitherASignalNorALostControllerDoes) {
  ScriptedAgent scene;
  scene.left_behind = {left_by("11.0.0", "p")};
  scene.join();
  scene.feed(Signalled{SIGTERM});
  EXPECT_TRUE(scene.exited);

  ScriptedAgent lost;
  lost.left_behind = {left_by("11.0.0", "p")};
  lost.join();
  lost.hear(wire::Drain{true, "over"});
  lost.disconnect();
  lost.pass(Millis(120'000));
  EXPECT_TRUE(lost.exited);
  EXPECT_THAT(lost.dropped, IsEmpty());
}

// ---- without a controller

TEST(AgentAway, GoesOnAsLongAsTheWelcomeSays) {
  ScriptedAgent scene;
  scene.connect();
  wire::Welcome welcome{"s", false, 10'000, 5'000};
  welcome.away_ms = 600'000;
  scene.hear(welcome);
  scene.lease_and_start("p");
  scene.disconnect();
  scene.pass(Millis(599'999));
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.signals.size(), 1u);
  scene.exit("p", {{}, SIGTERM});
  ASSERT_TRUE(scene.exited);
  EXPECT_THAT(scene.exited->reason, HasSubstr("no connection for 600 s"));
  EXPECT_THAT(scene.exited->reason, HasSubstr("--sweep-resume"));
  ASSERT_EQ(scene.kept.size(), 1u);  // for the next agent
  EXPECT_EQ(scene.kept[0].finished.outcome.kind, OutcomeKind::Infrastructure);
  EXPECT_THAT(scene.dropped, IsEmpty());
}

TEST(AgentAway, DeadlinesHoldAndResultsAreKept) {
  ScriptedAgent scene;
  scene.join(true);
  wire::Lease limited = ScriptedAgent::lease("limited", 1);
  limited.timeouts.point_ms = 50'000;
  scene.hear(limited);
  scene.start("limited");
  scene.lease_and_start("ends", 1);
  scene.disconnect();
  scene.leave_result("ends", "{}");
  scene.exit("ends");
  ASSERT_EQ(scene.kept.size(), 1u);
  scene.pass(Millis(50'000));
  EXPECT_EQ(scene.signals.back().ref.point, "limited");
  scene.exit("limited", {{}, SIGTERM});
  EXPECT_EQ(scene.kept.size(), 2u);
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty());
  scene.join(true);
  ASSERT_EQ(scene.said<wire::Finished>().size(), 2u);
  EXPECT_EQ(scene.said<wire::Finished>()[0].outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.said<wire::Finished>()[1].outcome.kind, OutcomeKind::Ok);
}

TEST(AgentAway, OutputComesAfterTheWelcomeInItsOrderAndBeforeTheEnd) {
  ScriptedAgent scene;
  scene.join(true);
  scene.lease_and_start("p", 1);
  scene.lease_and_start("q", 1);
  scene.print("p", "before ");
  scene.disconnect();
  scene.print("p", "away ");
  scene.print("p", "oops ", true);
  scene.connect();  // and not welcome yet
  scene.print("p", "still ");
  scene.print("q", "other");
  scene.exit("q", {1, {}});
  EXPECT_EQ(output_of(scene, "p"), "before ");
  scene.welcome(true);
  scene.print("p", "after");
  EXPECT_EQ(output_of(scene, "p"), "before away oops still after");
  EXPECT_EQ(output_of(scene, "q"), "other");
  // The scene fails where output comes after its Finished.
  EXPECT_EQ(scene.said<wire::Finished>().size(), 1u);
  scene.disconnect();
  scene.join(true);
  EXPECT_EQ(output_of(scene, "p"), "before away oops still after") << "said again";
}

TEST(AgentAway, OutputIsBoundedPerAttempt) {
  ScriptedAgent scene;
  scene.join(true);
  scene.lease_and_start("p", 1);
  scene.lease_and_start("q", 1);
  scene.disconnect();
  scene.print("q", "short");
  const std::string much(3 << 20, 'x');
  scene.print("p", "first" + much + "last");
  scene.join(true);
  const std::string kept = output_of(scene, "p");
  EXPECT_LE(kept.size(), (1u << 20) + 200);
  EXPECT_GT(kept.size(), 1u << 19);
  EXPECT_THAT(kept, StartsWith("\n[slurm-sweep: "));
  EXPECT_THAT(kept, testing::EndsWith("xlast"));
  EXPECT_EQ(output_of(scene, "q"), "short");
  for (const Send& send : scene.sent)
    EXPECT_LE(send.bulk.size(), 65'536u);
}

std::string text_of(const std::vector<Backlog::Piece>& pieces, bool is_stderr) {
  std::string all;
  for (const auto& piece : pieces) {
    if (piece.is_stderr == is_stderr) all += piece.bytes;
  }
  return all;
}

TEST(AgentBacklog, SaysHowMuchIsMissingInTheStreamThatLostIt) {
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

TEST(AgentBacklog, IsBoundedWhenOutputComesByteByByteToo) {
  Backlog backlog(1 << 20);
  for (int i = 0; i < 200'000; ++i)
    backlog.add(i % 2 == 1, "x");
  EXPECT_LE(backlog.take(100).size(), (std::size_t{1} << 20) / 64 + 2);
}

TEST(AgentAway, AWelcomeOfAConnectionThatHasBeenCutIsNone) {
  ScriptedAgent scene;
  scene.join();
  scene.disconnect();
  scene.feed(Received{wire::Welcome{"s", false, 10'000, 5'000}});
  EXPECT_EQ(scene.said<wire::Ready>().size(), 1u);
  const auto next = scene.next_deadline();
  ASSERT_TRUE(next);
  EXPECT_EQ(*next, scene.now + Millis(120'000));  // it looks for the controller, and no heartbeat is due
  scene.feed(Received{wire::Drain{true, "over"}});
  EXPECT_TRUE(scene.exited);
}

}  // namespace
}  // namespace sweep::agent
