// agent/core: the servers of recipes, from the first lease to the last: who starts one, who finds one, who
// stops one, and what an attempt says of a server that failed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/agent_scene.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Setup without_command(const std::vector<std::string>& gpus = {"0", "1", "2", "3"}) {
  Setup setup = Scene::some_setup(gpus);
  setup.hello.command = {};
  return setup;
}

/// The scene of an agent that runs recipes: it serves, and it is asked.
class Kitchen : public Scene {
 public:
  explicit Kitchen(bool pack = false, Setup setup = without_command()) : Scene(std::move(setup)) {
    checks_ports = false;
    join(pack);
  }

  static wire::Lease recipe(const std::string& point, const std::string& key = "k1", int gpus = 4) {
    wire::Lease out = lease(point, gpus);
    out.environment = {{"TP", std::to_string(gpus)}, {"CONC", "4"}, {"MODEL", "m"}};
    out.command = {"bash", "-c", "client"};
    out.timeouts = {60'000, 0, 0};
    out.server.key = key;
    out.server.command = {"bash", "-c", "serve " + key};
    out.server.names = {"TP", "MODEL"};
    out.server.ready_url = out.server.health_url = "/health";
    out.server.reset_url = "/reset";
    out.server.progress_ms = 30'000;
    out.server.longest_ms = 120'000;
    return out;
  }

  static AttemptRef server(int number) { return {kServerRef, number}; }
  void server_runs(int number) { feed(ProcessStarted{server(number), 500 + number}); }
  void server_says(int number, const std::string& text) { feed(Output{server(number), true, text}); }
  void server_ends(int number, Ended how) {
    feed(LeaderExited{server(number), how});
    feed(GroupGone{server(number)});
  }
  /// Answers the last question.
  void answer(int status, const std::string& problem = {}) {
    ASSERT_FALSE(asked.empty());
    feed(Answered{asked.back().ref, asked.back().serial, status, problem});
  }
  /// Up to where the client runs, on server `number`, which is new.
  void serve_first(const std::string& point, int number = 1, const std::string& key = "k1", int gpus = 4) {
    hear(recipe(point, key, gpus));
    server_runs(number);
    answer(200);
    start(point);
  }
  /// The client ends well and leaves a result.
  void done(const std::string& point) {
    leave_result(point, "{}");
    exit(point);
    hear(wire::Settled{{point, 1}, true});
  }
  wire::Finished finished(const std::string& point) const {
    for (const wire::Finished& message : said<wire::Finished>()) {
      if (message.ref.point == point) return message;
    }
    ADD_FAILURE() << point << " has not finished";
    return {};
  }
  std::vector<std::string> phases_of(const std::string& point) const {
    std::vector<std::string> names;
    for (const PhaseTime& phase : finished(point).account.phases)
      names.push_back(phase.name);
    return names;
  }
  /// What was started: the last word of each command line.
  std::vector<std::string> started() const {
    std::vector<std::string> out;
    for (const Spawn& spawn : spawned)
      out.push_back(spawn.argv.back());
    return out;
  }
};

TEST(Serving, TheServerComesFirstAndSeesOnlyWhatIsNamed) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
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
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
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
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
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
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  EXPECT_THAT(scene.signals, testing::Each(testing::Field(&SignalGroup::ref, AttemptRef{"p1", 1})))
      << "the server is left alone";
  scene.hear(Kitchen::recipe("p2"));
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
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(Kitchen::recipe("p2", "k2"));
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
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
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  wire::Lease script = Scene::lease("p2");
  script.command = {"script"};
  scene.hear(script);
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
  scene.feed(LeaderExited{Kitchen::server(1), {0, {}}});
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client")) << "some of it still lives";
  scene.feed(GroupGone{Kitchen::server(1)});
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "script"));
}

TEST(Serving, OneThatDoesNotStopIsKilled) {
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(Kitchen::recipe("p2", "k2"));
  const std::size_t before = scene.signals.size();
  scene.pass(Millis(5'000));
  ASSERT_EQ(scene.signals.size(), before + 1);
  EXPECT_TRUE(scene.signals.back().kill);
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
}

TEST(Serving, AnUnwellServerIsReplacedUnderTheSameAttempt) {
  for (const bool at_reset : {true, false}) {
    Kitchen scene;
    scene.serve_first("p1");
    scene.done("p1");
    scene.hear(Kitchen::recipe("p2"));
    if (!at_reset) scene.answer(200);
    scene.answer(500);
    EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
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
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.server_ends(1, {{}, SIGSEGV});
  scene.hear(Kitchen::recipe("p2"));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k1"));

  Kitchen again;  // it dies while it is asked
  again.serve_first("p1");
  again.done("p1");
  again.hear(Kitchen::recipe("p2"));
  again.server_ends(1, {{}, SIGSEGV});
  EXPECT_THAT(again.started(), ElementsAre("serve k1", "client", "serve k1"));
}

TEST(Serving, ASilentAnswerCountsAsUnwell) {
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(Kitchen::recipe("p2"));
  scene.pass(Millis(10'000));
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
}

TEST(Serving, OneThatIsNeverReadyEndsTheAttempt) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.server_runs(1);
  scene.server_says(1, "INFO hello\nERROR no such model 'x'\n");
  scene.pass(Millis(59'999));
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty()) << "its GPUs are not free yet";
  scene.server_ends(1, {{}, SIGTERM});
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(end.outcome.phase, "ready");
  EXPECT_EQ(end.outcome.reason, "the server was not ready within 1 min: ERROR no such model 'x'");
  EXPECT_THAT(end.account.server_says, ElementsAre("INFO hello", "ERROR no such model 'x'"));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1"));
}

TEST(Serving, NoSignOfLifeHasALimitOfItsOwn) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
  lease.server.start_ms = 5'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.pass(Millis(5'000));
  scene.server_ends(1, {{}, SIGTERM});
  EXPECT_EQ(scene.finished("p1").outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.finished("p1").outcome.phase, "server-start");
  EXPECT_EQ(scene.outcome().reason, "the server gave no sign of life within 5 s");
}

TEST(Serving, LoadingThatGetsOnHasMoreTime) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.server_runs(1);
  const Instant start = scene.now;
  const auto bar = [](int done) {
    return " 10% Completed | " + std::to_string(done) + "/100 [00:01<00:10, 1it/s]\n";
  };
  scene.pass(Millis(59'000));
  scene.server_says(1, bar(10));
  scene.pass(Millis(20'000));
  EXPECT_THAT(scene.signals, IsEmpty()) << "30 s more from the last progress";
  scene.server_says(1, bar(10));  // the same again is none
  scene.pass(Millis(9'999));
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.server_says(1, bar(11));
  for (int i = 0; scene.signals.empty() && i < 100; ++i) {
    scene.pass(Millis(1'000));
    if (scene.signals.empty()) scene.server_says(1, bar(12 + i));
  }
  EXPECT_GE(scene.now - start, Millis(120'000)) << "up to this";
  EXPECT_LT(scene.now - start, Millis(121'000)) << "but not for ever";
  scene.server_ends(1, {{}, SIGTERM});
  EXPECT_THAT(scene.outcome().reason, HasSubstr("not ready within 2 min, although loading got on"));
}

TEST(Serving, WhoWaitsSaysHowFarLoadingIs) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.server_runs(1);
  scene.server_says(1, "Loading weights:  45%|####      | 45/100 [00:10<00:12,  4.51it/s]\r");
  scene.pass(Millis(1'000));
  const auto told = scene.said<wire::Progress>();
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.back().phase, "ready");
  EXPECT_EQ(told.back().done, 45);
  EXPECT_EQ(told.back().total, 100);
}

TEST(Serving, LinesThatTheRecipeNamesAreProgressToo) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
  lease.server.progress = "^shard [0-9]+ loaded$";
  scene.hear(lease);
  scene.server_runs(1);
  scene.pass(Millis(59'000));
  scene.server_says(1, "shard x loaded\n");
  scene.server_says(1, "shard 7 loaded\n");
  scene.pass(Millis(29'999));
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.pass(Millis(1));
  EXPECT_THAT(scene.signals, SizeIs(1));
}

TEST(Serving, ALogLineCanSayThatItIsReady) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
  lease.server.ready_url = lease.server.health_url = lease.server.reset_url = "";
  lease.server.ready_log = "fired up and ready";
  scene.hear(lease);
  scene.server_runs(1);
  EXPECT_THAT(scene.asked, IsEmpty());
  scene.server_says(1, "The server is fired up and rea");
  EXPECT_THAT(scene.started(), ElementsAre("serve k1"));
  scene.server_says(1, "dy to roll!\n");
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client"));
  scene.start("p1");
  scene.done("p1");
  lease.ref.point = "p2";
  scene.hear(lease);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "client")) << "nothing to reset or to ask";
}

TEST(Serving, AServerThatEndsBeforeItIsReady) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.server_runs(1);
  scene.feed(LeaderExited{Kitchen::server(1), {98, {}}});
  scene.server_says(1, "OSError: [Errno 98] Address already in use\n");  // the last of it comes after its end
  scene.feed(GroupGone{Kitchen::server(1)});
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(end.outcome.exit_code, 98);
  EXPECT_EQ(end.outcome.reason,
            "the server ended with status 98: OSError: [Errno 98] Address already in use");
  EXPECT_THAT(end.account.server_says, ElementsAre("OSError: [Errno 98] Address already in use"));
}

TEST(Serving, AServerThatCannotBeStarted) {
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.feed(StartFailed{Kitchen::server(1), "cannot start 'bash': No such file or directory"});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::ServerFailed);
  EXPECT_THAT(scene.outcome().reason, HasSubstr("cannot start"));
}

TEST(Serving, AServerThatDiesUnderTheBenchmarkTakesItAlong) {
  Kitchen scene;
  scene.serve_first("p1");
  scene.server_says(1, "CUDA error: out of memory\n");
  scene.feed(LeaderExited{Kitchen::server(1), {{}, SIGABRT}});
  ASSERT_FALSE(scene.signals.empty());
  EXPECT_TRUE(std::any_of(scene.signals.begin(), scene.signals.end(), [](const SignalGroup& s) {
    return s.ref == AttemptRef{"p1", 1};
  }));
  scene.feed(GroupGone{Kitchen::server(1)});
  scene.leave_result("p1", "{}");
  scene.exit("p1", {0, {}});
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed) << "whatever the client made of it";
  EXPECT_EQ(end.outcome.signal, SIGABRT);
  EXPECT_THAT(end.account.server_says, ElementsAre("CUDA error: out of memory"));
  scene.hear(wire::Settled{{"p1", 1}, false});
  scene.hear(Kitchen::recipe("p2"));
  EXPECT_EQ(scene.started().back(), "serve k1");
}

TEST(Serving, AServerUnderWhichABenchmarkHungIsNotTrusted) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
  lease.timeouts.benchmark_ms = 7'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.answer(200);
  scene.start("p1");
  scene.pass(Millis(7'000));
  scene.exit("p1", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
}

TEST(Serving, WarmingUpHasALimitOfItsOwn) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
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
  Kitchen scene;
  scene.serve_first("p1");
  scene.server_says(1, "one\n");
  scene.done("p1");
  scene.server_says(1, "between\n");
  scene.hear(Kitchen::recipe("p2"));
  scene.server_says(1, "two\n");
  std::map<std::string, std::string> logs;
  for (const Send& send : scene.sent) {
    if (const auto* chunk = std::get_if<wire::LogChunk>(&send.message)) logs[chunk->ref.point] += send.bulk;
  }
  EXPECT_EQ(logs["p1"], "one\n");
  EXPECT_EQ(logs["p2"], "between\ntwo\n");
}

TEST(Serving, TheServerIsStoppedBeforeTheAgentEnds) {
  Kitchen scene;
  scene.serve_first("p1");
  scene.done("p1");
  scene.hear(wire::Drain{true, ""});
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(1));
  EXPECT_FALSE(scene.exited);
  scene.server_ends(1, {0, {}});
  ASSERT_TRUE(scene.exited);
  EXPECT_EQ(scene.exited->status, 0);
}

TEST(Serving, AnAgentThatIsSignalledStopsItsServerAndThenKillsIt) {
  Kitchen scene;
  scene.serve_first("p1");
  scene.feed(Signalled{SIGTERM});
  const auto of_server = [&](bool kill) {
    return std::count_if(scene.signals.begin(), scene.signals.end(),
                         [&](const SignalGroup& s) { return s.ref == Kitchen::server(1) && s.kill == kill; });
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
  Kitchen scene;
  scene.hear(Kitchen::recipe("p1"));
  scene.server_runs(1);
  scene.hear(wire::Cancel{{"p1", 1}, "enough"});
  EXPECT_EQ(scene.finished("p1").outcome.kind, OutcomeKind::Cancelled);
  scene.hear(wire::Settled{{"p1", 1}, false});
  scene.hear(Kitchen::recipe("p2"));
  EXPECT_THAT(scene.started(), ElementsAre("serve k1"));
  scene.answer(200);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client"));
}

TEST(Serving, APointThatTakesTooLongToBeServedEndsByItsOwnLimit) {
  Kitchen scene;
  auto lease = Kitchen::recipe("p1");
  lease.timeouts.point_ms = 4'000;
  scene.hear(lease);
  scene.server_runs(1);
  scene.pass(Millis(4'000));
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(scene.outcome().reason, "the point did not end within 4 s");
}

TEST(Serving, ACommandOfTheCommandLineNeedsNoServer) {
  Kitchen scene(false, Scene::some_setup());
  scene.hear(Kitchen::recipe("p1"));
  EXPECT_THAT(scene.started(), ElementsAre("-v"));
}

// ---- several on disjoint GPUs

TEST(Serving, PackedServersHaveGpusOfTheirOwnAndTheLeastUsedOneGivesWay) {
  Kitchen scene(true);
  scene.serve_first("p1", 1, "k1", 2);
  scene.serve_first("p2", 2, "k2", 2);
  EXPECT_EQ(value(scene.spawned[0], "CUDA_VISIBLE_DEVICES"), "0,1");
  EXPECT_EQ(value(scene.spawned[2], "CUDA_VISIBLE_DEVICES"), "2,3");
  scene.done("p1");
  scene.done("p2");
  scene.hear(Kitchen::recipe("p3", "k1", 2));  // on the GPUs of its server
  scene.answer(200);
  scene.answer(200);
  EXPECT_EQ(value(scene.spawned.back(), "CUDA_VISIBLE_DEVICES"), "0,1");
  scene.start("p3");
  scene.done("p3");
  scene.hear(Kitchen::recipe("p4", "k3", 2));  // k2's was used longest ago
  EXPECT_EQ(scene.signals.back().ref, Kitchen::server(2));
  scene.server_ends(2, {0, {}});
  EXPECT_EQ(value(scene.spawned.back(), "CUDA_VISIBLE_DEVICES"), "2,3");
}

TEST(Serving, TwoThatWaitForOneServerToGoStartOneAfterTheOther) {
  Kitchen scene(true);
  scene.serve_first("p1", 1, "k1", 4);
  scene.done("p1");
  scene.hear(Kitchen::recipe("p2", "k2", 2));
  scene.hear(Kitchen::recipe("p3", "k2", 2));
  scene.server_ends(1, {0, {}});
  ASSERT_THAT(scene.started(), ElementsAre("serve k1", "client", "serve k2", "serve k2"));
  EXPECT_NE(value(scene.spawned[2], "PORT"), value(scene.spawned[3], "PORT"));
  EXPECT_NE(value(scene.spawned[2], "CUDA_VISIBLE_DEVICES"), value(scene.spawned[3], "CUDA_VISIBLE_DEVICES"));
}

TEST(AgentServing, AServerThatSaysAgainThatItIsReadyIsDoubted) {
  Kitchen scene;
  wire::Lease lease = Kitchen::recipe("p");
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
  Kitchen scene(false, setup);
  scene.hear(Kitchen::recipe("p", "k1", 2));
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
  scene.hear(Kitchen::recipe("q", "k1", 2));  // no look: its own server is on them
  scene.answer(200);
  scene.answer(200);
  EXPECT_THAT(scene.started(), ElementsAre("serve k1", "client", "client"));
}

}  // namespace
}  // namespace sweep::agent
