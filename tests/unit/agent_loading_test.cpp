// agent/core: how a server of a recipe becomes ready, and what is said of one that does not.
#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Serving, OneThatIsNeverReadyEndsTheAttempt) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.server_runs(1);
  scene.server_says(1, "INFO hello\nERROR no such model 'x'\n");
  scene.pass(Millis(59'999));
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.pass(Millis(1));
  EXPECT_EQ(scene.signals.back().ref, ServingAgent::server(1));
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
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
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
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
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
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
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
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
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
  ServingAgent scene;
  auto lease = ServingAgent::recipe("p1");
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
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.server_runs(1);
  scene.feed(LeaderExited{ServingAgent::server(1), {98, {}}});
  scene.server_says(1, "OSError: [Errno 98] Address already in use\n");  // the last of it comes after its end
  scene.feed(GroupGone{ServingAgent::server(1)});
  const wire::Finished end = scene.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(end.outcome.exit_code, 98);
  EXPECT_EQ(end.outcome.reason,
            "the server ended with status 98: OSError: [Errno 98] Address already in use");
  EXPECT_THAT(end.account.server_says, ElementsAre("OSError: [Errno 98] Address already in use"));
}

TEST(Serving, AServerThatCannotBeStarted) {
  ServingAgent scene;
  scene.hear(ServingAgent::recipe("p1"));
  scene.feed(StartFailed{ServingAgent::server(1), "cannot start 'bash': No such file or directory"});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::ServerFailed);
  EXPECT_THAT(scene.outcome().reason, HasSubstr("cannot start"));
}

}  // namespace
}  // namespace sweep::agent
