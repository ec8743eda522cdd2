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
  EXPECT_NE(client.mark, server.mark) << "the marks distinguish their processes";
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
  wire::Lease lease = ServingAgent::recipe("p1");
  lease.script_ready = "test run";  // only of scripts
  agent.receive(lease);
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
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed) << "whatever the client returned";
  EXPECT_EQ(end.outcome.signal, SIGABRT);
  EXPECT_THAT(end.account.server_says, ElementsAre("CUDA error: out of memory"));
  agent.receive(wire::Settled{{"p1", 1}, false});
  agent.receive(ServingAgent::recipe("p2"));
  EXPECT_EQ(agent.started().back(), "serve k1");
}

TEST(Serving, ClientThatFailsBecauseItsServerDiedIsToldAsTheServersFailure) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.exit("p1", {1, {}});
  EXPECT_TRUE(agent.messages<wire::Finished>().empty()) << "the server may have ended, too";
  agent.feed(LeaderExited{ServingAgent::server(1), {{}, SIGABRT}});
  agent.server_prints(1, "CUDA error: out of memory\n");
  agent.feed(GroupGone{ServingAgent::server(1)});
  agent.pass(Millis(1'000));
  const wire::Finished end = agent.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(end.outcome.signal, SIGABRT);
  EXPECT_THAT(end.account.server_says, ElementsAre("CUDA error: out of memory"));
}

TEST(Serving, ServerThatDiesWhileTheClientsLastProcessesEndIsToldAsWell) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.feed(LeaderExited{{"p1", 1}, {1, {}}});
  agent.server_ends(1, {3, {}});
  agent.feed(GroupGone{{"p1", 1}});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::ServerFailed);
}

TEST(Serving, ClientThatFailsBesideAHealthyServerIsTheClientsFailure) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.exit("p1", {1, {}});
  agent.pass(Millis(1'000));
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(agent.finished("p1").outcome.exit_code, 1);
  agent.server_ends(1, {3, {}});
  EXPECT_EQ(agent.messages<wire::Finished>().size(), 1U);
}

TEST(Serving, ResultOfAClientThatSucceededCountsAlthoughItsServerDies) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.leave_result("p1", "{}");
  agent.feed(LeaderExited{{"p1", 1}, {0, {}}});
  agent.server_ends(1, {3, {}});
  agent.feed(GroupGone{{"p1", 1}});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::Ok);
}

TEST(Serving, ClientThatIsStoppedBecauseItsServerDiedWaitsForNoOtherCause) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.server_ends(1, {{}, SIGABRT});
  agent.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::ServerFailed);
}

TEST(Serving, SignalThatEndsServerAndClientIsToldAsPreemption) {
  for (const bool server_first : {true, false}) {
    ServingAgent agent;
    agent.serve_first("p1");
    if (server_first) agent.server_ends(1, {{}, SIGTERM});
    agent.exit("p1", server_first ? Ended{1, {}} : Ended{{}, SIGTERM});
    if (!server_first) agent.server_ends(1, {{}, SIGTERM});
    agent.feed(Signalled{SIGTERM});
    EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::Preempted) << server_first;
  }
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
  EXPECT_EQ(agent.outcome().reason, "the client's main run did not begin within 3 s (timeouts: warm-up)");
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

TEST(Serving, PointLimitIncludesTheWaitForTheServer) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.timeouts.point_ms = 4'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.pass(Millis(4'000));
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.outcome().reason, "the point did not end within 4 s (timeouts: point)");
}

TEST(Serving, CommandLineCommandNeedsNoServer) {
  ServingAgent agent(false, ScriptedAgent::default_setup());
  agent.receive(ServingAgent::recipe("p1"));
  EXPECT_THAT(agent.started(), ElementsAre("-v"));
}

TEST(Serving, RestartedServerIsAFlaw) {
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

}  // namespace
}  // namespace sweep::agent
