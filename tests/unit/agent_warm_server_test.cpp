// agent/core: recipes' servers that are kept warm: which attempts use them again, and when they are stopped or
// replaced. How one is started: agent_serving_test.cpp.
#include <csignal>

#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(WarmServer, NextPointGetsTheWarmServerResetAndHealthy) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  EXPECT_THAT(agent.signals, testing::Each(testing::Field(&SignalGroup::ref, AttemptRef{"p1", 1})))
      << "the server keeps running";
  agent.receive(ServingAgent::recipe("p2"));
  ASSERT_THAT(agent.asked, SizeIs(2));
  EXPECT_EQ(agent.asked[1].path, "/reset");
  EXPECT_TRUE(agent.asked[1].post);
  agent.answer(200);
  ASSERT_THAT(agent.asked, SizeIs(3));
  EXPECT_EQ(agent.asked[2].path, "/health");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client")) << "not before its health is known";
  agent.answer(204);
  agent.start("p2");
  agent.done("p2");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "client"));
  EXPECT_EQ(value(agent.spawned[2], "PORT"), value(agent.spawned[0], "PORT"));
  EXPECT_EQ(agent.finished("p2").account.servers, 0);
  EXPECT_THAT(agent.phases_of("p2"), ElementsAre("reset", "benchmark"));
}

TEST(WarmServer, PointWithAnotherKeyStopsTheServerFirst) {
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

TEST(WarmServer, PointWithoutAServerStopsTheServerFirst) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  wire::Lease script = ScriptedAgent::lease("p2");
  script.command = {"script"};
  agent.receive(script);
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
  agent.feed(LeaderExited{ServingAgent::server(1), {0, {}}});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client")) << "some of its processes are alive";
  agent.feed(GroupGone{ServingAgent::server(1)});
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "script"));
}

TEST(WarmServer, ServerThatDoesNotStopIsKilled) {
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

TEST(WarmServer, UnhealthyServerIsReplacedForTheSameAttempt) {
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

TEST(WarmServer, DeadServerIsReplacedForTheSameAttempt) {
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

TEST(WarmServer, UnansweredHealthCheckCountsAsUnhealthy) {
  ServingAgent agent;
  agent.serve_first("p1");
  agent.done("p1");
  agent.receive(ServingAgent::recipe("p2"));
  agent.pass(Millis(10'000));
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
}

TEST(WarmServer, ServerIsStoppedAfterABenchmarkTimedOut) {
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

TEST(WarmServer, CancelledWaitingAttemptLeavesTheServerToTheNext) {
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

// ---- several servers on disjoint GPUs

TEST(WarmServer, PackedServersHaveDisjointGpusAndTheLeastRecentlyUsedIsStopped) {
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

TEST(WarmServer, TwoAttemptsWaitingForOneServersEndStartInTurn) {
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

TEST(WarmServer, GpusAreCheckedOnlyBeforeAServerStarts) {
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
