// agent/core: the servers of recipes, from the first lease to the last: who starts one, who finds one, and
// who stops one. How one becomes ready: agent_loading_test.cpp.
#include <csignal>

#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Serving, TheServerComesFirstAndSeesOnlyWhatIsNamed) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  ASSERT_THAT(scene.spawned, SizeIs(1));
  const Spawn server = scene.spawned[0];
  EXPECT_THAT(server.argv, ElementsAre("bash", "-c", "serve k1"));
  EXPECT_EQ(value(server, "TP"), "4");
  EXPECT_EQ(value(server, "MODEL"), "m");
  EXPECT_EQ(value(server, "CONC"), "(unset)");
  EXPECT_EQ(value(server, "RESULT_FILENAME"), "(unset)");
  scene.server_runs(1);
  ASSERT_THAT(scene.asked, SizeIs(1));
  EXPECT_EQ(scene.asked[0].path, "/health");
  EXPECT_FALSE(scene.asked[0].post);
  EXPECT_EQ(std::to_string(scene.asked[0].port), value(server, "PORT"));
  EXPECT_THAT(scene.spawned, SizeIs(1)) << "the client waits for its server";
  scene.answer(200);
  ASSERT_THAT(scene.spawned, SizeIs(2));
  const Spawn client = scene.spawned[1];
  EXPECT_THAT(client.argv, ElementsAre("bash", "-c", "client"));
  EXPECT_EQ(value(client, "CONC"), "4");
  EXPECT_EQ(value(client, "PORT"), value(server, "PORT"));
  EXPECT_NE(client.mark, server.mark) << "what tells the two's processes apart";
}

TEST(Serving, AsksAgainUntilItIsReady) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.server_runs(1);
  scene.answer(0, "connection refused");
  scene.answer(0, "connection refused");  // an answer to nothing
  EXPECT_THAT(scene.asked, SizeIs(1)) << "not at once";
  scene.pass(Millis(1'000));
  EXPECT_THAT(scene.asked, SizeIs(2)) << "one at a time";
  scene.answer(503);
  scene.pass(Millis(1'000));
  scene.answer(200);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client"));
}

TEST(Serving, TheAccountSaysWhereTheTimeWent) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.now += Millis(10);
  scene.server_runs(1);
  scene.now += Millis(1'000);
  scene.server_says(1, "loading\n");
  scene.now += Millis(2'000);
  scene.answer(200);
  scene.start("p1");
  scene.now += Millis(300);
  scene.print("p1", "Starting initial single prompt test run...\n");
  scene.now += Millis(700);
  scene.print("p1", "Starting main benchmark run...\n");
  scene.now += Millis(5'000);
  scene.done("p1");
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(end.account.phases,
              ElementsAre(PhaseTime{"server-start", Millis(1'010)}, PhaseTime{"ready", Millis(2'000)},
                          PhaseTime{"warm-up", Millis(1'000)}, PhaseTime{"benchmark", Millis(5'000)}));
  EXPECT_EQ(end.account.servers, 1);
  EXPECT_EQ(end.wall_ms, 9'010);
}

TEST(Serving, TheNextPointFindsItWarmResetAndWell) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  EXPECT_THAT(scene.signals, testing::Each(testing::Field(&SignalGroup::ref, AttemptRef{"p1", 1})))
      << "the server is left alone";
  scene.hear(ServingAgent::recipe("p2"));
  ASSERT_THAT(scene.asked, SizeIs(2));
  EXPECT_EQ(scene.asked[1].path, "/reset");
  EXPECT_TRUE(scene.asked[1].post);
  scene.answer(200);
  ASSERT_THAT(scene.asked, SizeIs(3));
  EXPECT_EQ(scene.asked[2].path, "/health");
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client")) << "not before it is known to be well";
  scene.answer(204);
  scene.start("p2");
  scene.done("p2");
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "client"));
  EXPECT_EQ(value(scene.spawned[2], "PORT"), value(scene.spawned[0], "PORT"));
  EXPECT_EQ(scene.finished("p2").account.servers, 0);
  EXPECT_THAT(scene.phases_of("p2"), ElementsAre("reset", "benchmark"));
}

TEST(Serving, AnotherKeyStopsItFirst) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(ServingAgent::recipe("p2", "k2"));
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client")) << "its GPUs are not free yet";
  scene.server_ends(1, {0, {}});
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k2"));
  scene.server_runs(2);
  scene.answer(200);
  scene.start("p2");
  scene.done("p2");
  EXPECT_EQ(scene.finished("p2").outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(scene.phases_of("p2").front(), "stop");
}

TEST(Serving, SoDoesAScript) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  wire::Lease script = ScriptedAgent::lease("p2");
  script.command = {"script"};
  scene.hear(script);
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
  scene.feed(LeaderExited{ServingAgent::server(1), {0, {}}});
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client")) << "some of it still lives";
  scene.feed(GroupGone{ServingAgent::server(1)});
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "script"));
}

TEST(Serving, OneThatDoesNotStopIsKilled) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(ServingAgent::recipe("p2", "k2"));
  const std::size_t before = scene.signals.size();
  scene.pass(Millis(5'000));
  ASSERT_EQ(scene.signals.size(), before + 1);
  EXPECT_TRUE(scene.signals.back().kill);
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, AnUnwellServerIsReplacedUnderTheSameAttempt) {
  for (const bool at_reset : {true, false}) {
    ServingAgent scene;
    scene.serve_first("p1");
    scene.done("p1");
    scene.hear(ServingAgent::recipe("p2"));
    if (!at_reset) scene.answer(200);
    scene.answer(500);
    EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
    scene.server_ends(1, {{}, SIGTERM});
    EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k1"));
    scene.server_runs(2);
    scene.answer(200);
    scene.start("p2");
    scene.done("p2");
    EXPECT_EQ(scene.finished("p2").outcome.kind, OutcomeKind::Ok);
    EXPECT_EQ(scene.finished("p2").account.servers, 1);
    EXPECT_THAT(scene.finished("p2").account.server_says, IsEmpty());
  }
}

TEST(Serving, ADeadOneIsReplacedToo) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.server_ends(1, {{}, SIGSEGV});
  scene.hear(ServingAgent::recipe("p2"));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k1"));

  ServingAgent again;  // it dies while it is asked
  again.serve_first("p1");
  again.done("p1");
  again.hear(ServingAgent::recipe("p2"));
  again.server_ends(1, {{}, SIGSEGV});
  EXPECT_THAT(again.started(), ElementsAre("serve k1", "client", "serve k1"));
}

TEST(Serving, ASilentAnswerCountsAsUnwell) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(ServingAgent::recipe("p2"));
  scene.pass(Millis(10'000));
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, AServerThatDiesUnderTheBenchmarkTakesItAlong) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.server_says(1, "CUDA error: out of memory\n");
  scene.feed(LeaderExited{ServingAgent::server(1), {{}, SIGABRT}});
  ASSERT_FALSE(scene.signals.empty());
  EXPECT_TRUE(std::any_of(scene.signals.begin(), scene.signals.end(), [](const SignalGroup& s) {
    return s.ref == AttemptRef{"p1", 1};
  }));
  scene.feed(GroupGone{ServingAgent::server(1)});
  scene.leave_result("p1", "{}");
  scene.exit("p1", {0, {}});
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed) << "whatever the client made of it";
  EXPECT_EQ(end.outcome.signal, SIGABRT);
  EXPECT_THAT(end.account.server_says, ElementsAre("CUDA error: out of memory"));
  scene.hear(wire::Settled{{"p1", 1}, false});
  scene.hear(ServingAgent::recipe("p2"));
  EXPECT_EQ(scene.started().back(), "serve k1");
}

TEST(Serving, AServerUnderWhichABenchmarkHungIsNotTrusted) {
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.benchmark_ms = 7'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.answer(200);
  scene.start("p1");
  scene.pass(Millis(7'000));
  scene.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, WarmingUpHasALimitOfItsOwn) {
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
  lease.server.warm_up_ms = 3'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.answer(200);
  scene.start("p1");
  scene.pass(Millis(3'000));
  scene.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().reason, "the client's main run did not begin within 3 s");
}

TEST(Serving, TheServersOutputGoesWithTheAttemptThatHasIt) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.server_says(1, "one\n");
  scene.done("p1");
  scene.server_says(1, "between\n");
  scene.hear(ServingAgent::recipe("p2"));
  scene.server_says(1, "two\n");
  std::map<std::string, std::string> logs;
  for (const Send& send : scene.sent) {
    if (const auto* chunk = std::get_if<wire::LogChunk>(&send.message)) logs[chunk->ref.point] += send.bulk;
  }
  EXPECT_EQ(logs["p1"], "one\n");
  EXPECT_EQ(logs["p2"], "between\ntwo\n");
}

TEST(Serving, TheServerIsStoppedBeforeTheAgentEnds) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(wire::Drain{true, ""});
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
  EXPECT_FALSE(scene.exited);
  scene.server_ends(1, {0, {}});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 0);
}

TEST(Serving, AnAgentThatIsSignalledStopsItsServerAndThenKillsIt) {
  ServingAgent scene;
  scene.serve_first("p1");
  scene.feed(Signalled{SIGTERM});
  const auto of_server = [&](bool kill) {
    return std::count_if(scene.signals.begin(), scene.signals.end(), [&](const SignalGroup& s) {
      return s.ref == ServingAgent::server(1) && s.kill == kill;
    });
  };
  EXPECT_EQ(of_server(false), 1);
  scene.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(scene.finished("p1").outcome.kind, OutcomeKind::Preempted);
  scene.feed(Signalled{SIGTERM});
  EXPECT_EQ(of_server(true), 1);
  EXPECT_FALSE(scene.exited);
  scene.server_ends(1, {{}, SIGKILL});
  scene.hear(wire::Settled{{"p1", 1}, false});
  EXPECT_TRUE(scene.exited);
}

TEST(Serving, WhoIsCancelledWhileItWaitsLeavesTheServerToTheNext) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.server_runs(1);
  scene.hear(wire::Cancel{{"p1", 1}, "enough"});
  EXPECT_EQ(scene.finished("p1").outcome.kind, OutcomeKind::Cancelled);
  scene.hear(wire::Settled{{"p1", 1}, false});
  scene.hear(ServingAgent::recipe("p2"));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1"));
  scene.answer(200);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client"));
}

TEST(Serving, APointThatTakesTooLongToBeServedEndsByItsOwnLimit) {
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.point_ms = 4'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.pass(Millis(4'000));
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.outcome().reason, "the point did not end within 4 s");
}

TEST(Serving, ACommandOfTheCommandLineNeedsNoServer) {
  ServingAgent scene(false, ScriptedAgent::some_setup());
  scene.hear(ServingAgent::recipe("p1"));
  EXPECT_THAT(scene.started(), ElementsAre("-v"));
}

// ---- several on disjoint GPUs

TEST(Serving, PackedServersHaveGpusOfTheirOwnAndTheLeastUsedOneGivesWay) {
  ServingAgent scene(true);
  scene.serve_first("p1", 1, "k1", 2);
  scene.serve_first("p2", 2, "k2", 2);
  EXPECT_EQ(value(scene.spawned[0], "CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(value(scene.spawned[2], "CUDA_VISIBLE_DEVICES"), "2,3");
  scene.done("p1");
  scene.done("p2");
  scene.hear(ServingAgent::recipe("p3", "k1", 2));  // on the GPUs of its server
  scene.answer(200);
  scene.answer(200);
  EXPECT_EQ(value(scene.spawned.back(), "CUDA_VISIBLE_DEVICES"), "0,1");
  scene.start("p3");
  scene.done("p3");
  scene.hear(ServingAgent::recipe("p4", "k3", 2));  // k2's was used longest ago
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(2));
  scene.server_ends(2, {0, {}});
  EXPECT_EQ(value(scene.spawned.back(), "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(Serving, TwoThatWaitForOneServerToGoStartOneAfterTheOther) {
  ServingAgent scene(true);
  scene.serve_first("p1", 1, "k1", 4);
  scene.done("p1");
  scene.hear(ServingAgent::recipe("p2", "k2", 2));
  scene.hear(ServingAgent::recipe("p3", "k2", 2));
  scene.server_ends(1, {0, {}});
  ASSERT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k2", "serve k2"));
  EXPECT_NE(value(scene.spawned[2], "PORT"), value(scene.spawned[3], "PORT"));
  EXPECT_NE(value(scene.spawned[2], "CUDA_VISIBLE_DEVICES"), value(scene.spawned[3], "CUDA_VISIBLE_DEVICES"));
}

TEST(AgentServing, AServerThatSaysAgainThatItIsReadyIsDoubted) {
  ServingAgent scene;
  wire::Lease lease = ServingAgent::recipe("p");
  lease.server.ready_url = lease.server.health_url = lease.server.reset_url = "";
  lease.server.ready_log = "server is up";
  scene.hear(lease);
  scene.server_runs(1);
  scene.server_says(1, "server is up\n");
  scene.start("p");
  scene.server_says(1, "a worker died\nserver is up\n");
  scene.done("p");
  EXPECT_THAT(scene.finished("p").account.flaws, ElementsAre(HasSubstr("server-restarted: ")));

  lease.ref = {"q", 1};
  scene.hear(lease);
  scene.start("q");
  scene.done("q");
  EXPECT_THAT(scene.finished("q").account.flaws, IsEmpty());
}

TEST(AgentServing, OnlyAServerThatIsStartedHasItsGpusLookedAt) {
  auto setup = without_command({"0", "1"});
  setup.sampled = {"0", "1"};
  ServingAgent scene(false, setup);
  scene.hear(ServingAgent::recipe("p", "k1", 2));
  EXPECT_THAT(scene.started(), IsEmpty());
  for (const char* gpu : {"0", "1"}) {
    GpuSample idle;
    idle.at = scene.now;
    idle.gpu = gpu;
    idle.processes = 0;
    scene.feed(GpuTold{idle});
  }
  EXPECT_THAT(scene.started(), ElementsAre("serve k1"));
  scene.server_runs(1);
  scene.answer(200);
  scene.start("p");
  scene.done("p");
  scene.hear(ServingAgent::recipe("q", "k1", 2));  // no look: its own server is on them
  scene.answer(200);
  scene.answer(200);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "client"));
}

}  // namespace
}  // namespace sweep::agent
