// agent/core: recipes' servers: how one is started for an attempt, and what its failure means for the
// attempt. How it becomes ready: agent_loading_test.cpp. How it is kept for the next attempts:
// agent_warm_server_test.cpp.
#include <csignal>

#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Serving, ServerStartsFirstAndGetsOnlyTheNamedVariables) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  ASSERT_THAT(agent.spawned, SizeIs(1));
  const Spawn server = agent.spawned[0];
  EXPECT_THAT(server.argv, ElementsAre("bash", "-c", "serve k1"));
  EXPECT_EQ(value(server, "TP"), "4");
  EXPECT_EQ(value(server, "MODEL"), "m");
  EXPECT_EQ(value(server, "CONC"), "(unset)");
  EXPECT_EQ(value(server, "RESULT_FILENAME"), "(unset)");
  agent.server_starts(1);
  ASSERT_THAT(agent.asked, SizeIs(1));
  EXPECT_EQ(agent.asked[0].path, "/health");
  EXPECT_FALSE(agent.asked[0].post);
  EXPECT_EQ(std::to_string(agent.asked[0].port), value(server, "PORT"));
  EXPECT_THAT(agent.spawned, SizeIs(1)) << "the client waits for its server";
  agent.answer(200);
  ASSERT_THAT(agent.spawned, SizeIs(2));
  const Spawn client = agent.spawned[1];
  EXPECT_THAT(client.argv, ElementsAre("bash", "-c", "client"));
  EXPECT_EQ(value(client, "CONC"), "4");
  EXPECT_EQ(value(client, "PORT"), value(server, "PORT"));
  EXPECT_NE(client.mark, server.mark) << "what tells the two's processes apart";
}

TEST(Serving, ServerIsAskedAgainUntilItIsReady) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.answer(0, "connection refused");
  agent.answer(0, "connection refused");  // an answer without a request
  EXPECT_THAT(agent.asked, SizeIs(1)) << "not at once";
  agent.pass(Millis(1'000));
  EXPECT_THAT(agent.asked, SizeIs(2)) << "one at a time";
  agent.answer(503);
  agent.pass(Millis(1'000));
  agent.answer(200);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
}

TEST(Serving, AccountHasTheTimeOfEachPhase) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.now += Millis(10);
  agent.server_starts(1);
  agent.now += Millis(1'000);
  agent.server_prints(1, "loading\n");
  agent.now += Millis(2'000);
  agent.answer(200);
  agent.start("p1");
  agent.now += Millis(300);
  agent.print("p1", "Starting initial single prompt test run...\n");
  agent.now += Millis(700);
  agent.print("p1", "Starting main benchmark run...\n");
  agent.now += Millis(5'000);
  agent.done("p1");
  const wire::Finished end = agent.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::Ok);
  EXPECT_THAT(end.account.phases,
              ElementsAre(PhaseTime{"server-start", Millis(1'010)}, PhaseTime{"ready", Millis(2'000)},
                          PhaseTime{"warm-up", Millis(1'000)}, PhaseTime{"benchmark", Millis(5'000)}));
  EXPECT_EQ(end.account.servers, 1);
  EXPECT_EQ(end.wall_ms, 9'010);
}

TEST(Serving, NextPointGetsTheWarmServerResetAndHealthy) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  EXPECT_THAT(agent.signals, testing::Each(testing::Field(&SignalGroup::ref, AttemptRef{"p1", 1})))
      << "the server is left alone";
  agent.receive(ServingAgent::recipe("p2"));
  ASSERT_THAT(agent.asked, SizeIs(2));
  EXPECT_EQ(agent.asked[1].path, "/reset");
  EXPECT_TRUE(agent.asked[1].post);
  agent.answer(200);
  ASSERT_THAT(agent.asked, SizeIs(3));
  EXPECT_EQ(agent.asked[2].path, "/health");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client")) << "not before it is known to be well";
  agent.answer(204);
  agent.start("p2");
  agent.done("p2");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "client"));
  EXPECT_EQ(value(agent.spawned[2], "PORT"), value(agent.spawned[0], "PORT"));
  EXPECT_EQ(agent.finished("p2").account.servers, 0);
  EXPECT_THAT(agent.phases_of("p2"), ElementsAre("reset", "benchmark"));
}

TEST(Serving, PointWithAnotherKeyStopsTheServerFirst) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.receive(ServingAgent::recipe("p2", "k2"));
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client")) << "its GPUs are not free yet";
  agent.server_ends(1, {0, {}});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "serve k2"));
  agent.server_starts(2);
  agent.answer(200);
  agent.start("p2");
  agent.done("p2");
  EXPECT_EQ(agent.finished("p2").outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(agent.phases_of("p2").front(), "stop");
}

TEST(Serving, PointWithoutAServerStopsTheServerFirst) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  wire::Lease script = ScriptedAgent::lease("p2");
  script.command = {"script"};
  agent.receive(script);
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
  agent.feed(LeaderExited{ServingAgent::server(1), {0, {}}});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client")) << "some of it still lives";
  agent.feed(GroupGone{ServingAgent::server(1)});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "script"));
}

TEST(Serving, ServerThatDoesNotStopIsKilled) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.receive(ServingAgent::recipe("p2", "k2"));
  const std::size_t before = agent.signals.size();
  agent.pass(Millis(5'000));
  ASSERT_EQ(agent.signals.size(), before + 1);
  EXPECT_TRUE(agent.signals.back().kill);
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, UnhealthyServerIsReplacedForTheSameAttempt) {
  for (const bool at_reset : {true, false}) {
    ServingAgent agent;
    agent.serve_first("p1");
    agent.done("p1");
    agent.receive(ServingAgent::recipe("p2"));
    if (!at_reset) agent.answer(200);
    agent.answer(500);
    EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
    agent.server_ends(1, {{}, SIGTERM});
    EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "serve k1"));
    agent.server_starts(2);
    agent.answer(200);
    agent.start("p2");
    agent.done("p2");
    EXPECT_EQ(agent.finished("p2").outcome.kind, OutcomeKind::Ok);
    EXPECT_EQ(agent.finished("p2").account.servers, 1);
    EXPECT_THAT(agent.finished("p2").account.server_says, IsEmpty());
  }
}

TEST(Serving, DeadServerIsReplacedForTheSameAttempt) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.server_ends(1, {{}, SIGSEGV});
  agent.receive(ServingAgent::recipe("p2"));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "serve k1"));

  ServingAgent again;  // the server dies while it is asked
  again.serve_first("p1");
  again.done("p1");
  again.receive(ServingAgent::recipe("p2"));
  again.server_ends(1, {{}, SIGSEGV});
  EXPECT_THAT(again.started(), ElementsAre("serve k1", "client", "serve k1"));
}

TEST(Serving, UnansweredHealthCheckCountsAsUnhealthy) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.receive(ServingAgent::recipe("p2"));
  agent.pass(Millis(10'000));
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, ServerThatDiesEndsTheBenchmark) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.server_prints(1, "CUDA error: out of memory\n");
  agent.feed(LeaderExited{ServingAgent::server(1), {{}, SIGABRT}});
  ASSERT_FALSE(agent.signals.empty());
  EXPECT_TRUE(std::any_of(agent.signals.begin(), agent.signals.end(), [](const SignalGroup& s) {
    return s.ref == AttemptRef{"p1", 1};
  }));
  agent.feed(GroupGone{ServingAgent::server(1)});
  agent.leave_result("p1", "{}");
  agent.exit("p1", {0, {}});
  const wire::Finished end = agent.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed) << "whatever the client made of it";
  EXPECT_EQ(end.outcome.signal, SIGABRT);
  EXPECT_THAT(end.account.server_says, ElementsAre("CUDA error: out of memory"));
  agent.receive(wire::Settled{{"p1", 1}, false});
  agent.receive(ServingAgent::recipe("p2"));
  EXPECT_EQ(agent.started().back(), "serve k1");
}

TEST(Serving, ServerIsStoppedAfterABenchmarkTimedOut) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.benchmark_ms = 7'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.answer(200);
  agent.start("p1");
  agent.pass(Millis(7'000));
  agent.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
}

TEST(Serving, ClientsWarmUpHasItsOwnTimeLimit) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.warm_up_ms = 3'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.answer(200);
  agent.start("p1");
  agent.pass(Millis(3'000));
  agent.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().reason, "the client's main run did not begin within 3 s");
}

TEST(Serving, ServersOutputIsSentForTheAttemptThatHasIt) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.server_prints(1, "one\n");
  agent.done("p1");
  agent.server_prints(1, "between\n");
  agent.receive(ServingAgent::recipe("p2"));
  agent.server_prints(1, "two\n");
  std::map<std::string, std::string> logs;
  for (const Send& send : agent.sent) {
    if (const auto* chunk = std::get_if<wire::LogChunk>(&send.message)) logs[chunk->ref.point] += send.bulk;
  }
  EXPECT_EQ(logs["p1"], "one\n");
  EXPECT_EQ(logs["p2"], "between\ntwo\n");
}

TEST(Serving, ServerIsStoppedBeforeTheAgentEnds) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.receive(wire::Drain{true, ""});
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
  EXPECT_FALSE(agent.exited);
  agent.server_ends(1, {0, {}});
  ASSERT_TRUE(agent.exited);
  EXPECT_EQ(agent.exited->status, 0);
}

TEST(Serving, SignalledAgentStopsItsServerThenKillsIt) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.feed(Signalled{SIGTERM});
  const auto of_server = [&](bool kill) {
    return std::count_if(agent.signals.begin(), agent.signals.end(), [&](const SignalGroup& s) {
      return s.ref == ServingAgent::server(1) && s.kill == kill;
    });
  };
  EXPECT_EQ(of_server(false), 1);
  agent.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::Preempted);
  agent.feed(Signalled{SIGTERM});
  EXPECT_EQ(of_server(true), 1);
  EXPECT_FALSE(agent.exited);
  agent.server_ends(1, {{}, SIGKILL});
  agent.receive(wire::Settled{{"p1", 1}, false});
  EXPECT_TRUE(agent.exited);
}

TEST(Serving, CancelledWaitingAttemptLeavesTheServerToTheNext) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.receive(wire::Cancel{{"p1", 1}, "enough"});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::Cancelled);
  agent.receive(wire::Settled{{"p1", 1}, false});
  agent.receive(ServingAgent::recipe("p2"));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1"));
  agent.answer(200);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
}

TEST(Serving, PointLimitIncludesTheWaitForTheServer) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.point_ms = 4'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.pass(Millis(4'000));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.outcome().reason, "the point did not end within 4 s");
}

TEST(Serving, CommandLineCommandNeedsNoServer) {
  ServingAgent agent(false, ScriptedAgent::default_setup());
  agent.receive(ServingAgent::recipe("p1"));
  EXPECT_THAT(agent.started(), ElementsAre("-v"));
}

// ---- several servers on disjoint GPUs

TEST(Serving, PackedServersHaveDisjointGpusAndTheLeastRecentlyUsedIsStopped) {
  ServingAgent agent(true);
  agent.serve_first("p1", 1, "k1", 2);
  agent.serve_first("p2", 2, "k2", 2);
  EXPECT_EQ(value(agent.spawned[0], "CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(value(agent.spawned[2], "CUDA_VISIBLE_DEVICES"), "2,3");
  agent.done("p1");
  agent.done("p2");
  agent.receive(ServingAgent::recipe("p3", "k1", 2));  // on the GPUs of its server
  agent.answer(200);
  agent.answer(200);
  EXPECT_EQ(value(agent.spawned.back(), "CUDA_VISIBLE_DEVICES"), "0,1");
  agent.start("p3");
  agent.done("p3");
  agent.receive(ServingAgent::recipe("p4", "k3", 2));  // k2's server was used longest ago
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(2));
  agent.server_ends(2, {0, {}});
  EXPECT_EQ(value(agent.spawned.back(), "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(Serving, TwoAttemptsWaitingForOneServersEndStartInTurn) {
  ServingAgent agent(true);
  agent.serve_first("p1", 1, "k1", 4);
  agent.done("p1");
  agent.receive(ServingAgent::recipe("p2", "k2", 2));
  agent.receive(ServingAgent::recipe("p3", "k2", 2));
  agent.server_ends(1, {0, {}});
  ASSERT_THAT(agent.started(), ElementsAre("serve k1", "client", "serve k2", "serve k2"));
  EXPECT_NE(value(agent.spawned[2], "PORT"), value(agent.spawned[3], "PORT"));
  EXPECT_NE(value(agent.spawned[2], "CUDA_VISIBLE_DEVICES"), value(agent.spawned[3], "CUDA_VISIBLE_DEVICES"));
}

TEST(AgentServing, RestartedServerIsAFlaw) {
  ServingAgent agent;
  wire::Lease lease = ServingAgent::recipe("p");
  lease.server.ready_url = lease.server.health_url = lease.server.reset_url = "";
  lease.server.ready_log = "server is up";
  agent.receive(lease);
  agent.server_starts(1);
  agent.server_prints(1, "server is up\n");
  agent.start("p");
  agent.server_prints(1, "a worker died\nserver is up\n");
  agent.done("p");
  EXPECT_THAT(agent.finished("p").account.flaws, ElementsAre(HasSubstr("server-restarted: ")));

  lease.ref = {"q", 1};
  agent.receive(lease);
  agent.start("q");
  agent.done("q");
  EXPECT_THAT(agent.finished("q").account.flaws, IsEmpty());
}

TEST(AgentServing, GpusAreCheckedOnlyBeforeAServerStarts) {
  auto setup = without_command({"0", "1"});
  setup.sampled = {"0", "1"};
  ServingAgent agent(false, setup);
  agent.receive(ServingAgent::recipe("p", "k1", 2));
  EXPECT_THAT(agent.started(), IsEmpty());
  for (const char* gpu : {"0", "1"}) {
    GpuSample idle;
    idle.at = agent.now;
    idle.gpu = gpu;
    idle.processes = 0;
    agent.feed(GpuReported{idle});
  }
  EXPECT_THAT(agent.started(), ElementsAre("serve k1"));
  agent.server_starts(1);
  agent.answer(200);
  agent.start("p");
  agent.done("p");
  agent.receive(ServingAgent::recipe("q", "k1", 2));  // no idle check: its own server uses them
  agent.answer(200);
  agent.answer(200);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "client"));
}

}  // namespace
}  // namespace sweep::agent
