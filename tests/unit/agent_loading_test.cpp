// agent/core: how a recipe's server becomes ready, and what is reported if it does not.
#include "tests/unit/agent_serving_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Serving, ServerThatIsNeverReadyEndsTheAttempt) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.server_prints(1, "INFO hello\nERROR no such model 'x'\n");
  agent.pass(Millis(59'999));
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.signals.back().ref, ServingAgent::server(1));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty()) << "its GPUs are not free yet";
  agent.server_ends(1, {{}, SIGTERM});
  const wire::Finished end = agent.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(end.outcome.phase, "ready");
  EXPECT_EQ(end.outcome.reason, "the server was not ready within 1 min: ERROR no such model 'x'");
  EXPECT_THAT(end.account.server_says, ElementsAre("INFO hello", "ERROR no such model 'x'"));
  EXPECT_THAT(agent.started(), ElementsAre("serve k1"));
}

TEST(Serving, SilentServerHasItsOwnTimeLimit) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.start_ms = 5'000;
  agent.receive(lease);
  agent.server_starts(1);
  agent.pass(Millis(5'000));
  agent.server_ends(1, {{}, SIGTERM});
  EXPECT_EQ(agent.finished("p1").outcome.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.finished("p1").outcome.phase, "server-start");
  EXPECT_EQ(agent.outcome().reason, "the server printed and answered nothing within 5 s");
}

TEST(Serving, LoadingProgressExtendsTheTimeLimit) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  const Instant start = agent.now;
  const auto bar = [](int done) {
    return " 10% Completed | " + std::to_string(done) + "/100 [00:01<00:10, 1it/s]\n";
  };
  agent.pass(Millis(59'000));
  agent.server_prints(1, bar(10));
  agent.pass(Millis(20'000));
  EXPECT_THAT(agent.signals, IsEmpty()) << "30 s after the last progress";
  agent.server_prints(1, bar(10));  // the same value again is no progress
  agent.pass(Millis(9'999));
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.server_prints(1, bar(11));
  for (int i = 0; agent.signals.empty() && i < 100; ++i) {
    agent.pass(Millis(1'000));
    if (agent.signals.empty()) agent.server_prints(1, bar(12 + i));
  }
  EXPECT_GE(agent.now - start, Millis(120'000)) << "up to longest_ms";
  EXPECT_LT(agent.now - start, Millis(121'000)) << "but no longer";
  agent.server_ends(1, {{}, SIGTERM});
  EXPECT_THAT(agent.outcome().reason,
              HasSubstr("not ready within 2 min, although loading was making progress"));
}

TEST(Serving, WaitingAttemptReportsLoadingProgress) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.server_prints(1, "Loading weights:  45%|####      | 45/100 [00:10<00:12,  4.51it/s]\r");
  agent.pass(Millis(1'000));
  const auto progress = agent.messages<wire::Progress>();
  ASSERT_FALSE(progress.empty());
  EXPECT_EQ(progress.back().phase, "ready");
  EXPECT_EQ(progress.back().done, 45);
  EXPECT_EQ(progress.back().total, 100);
}

TEST(Serving, LinesMatchingTheRecipesPatternAreProgress) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.progress = "^shard [0-9]+ loaded$";
  agent.receive(lease);
  agent.server_starts(1);
  agent.pass(Millis(59'000));
  agent.server_prints(1, "shard x loaded\n");
  agent.server_prints(1, "shard 7 loaded\n");
  agent.pass(Millis(29'999));
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.pass(Millis(1));
  EXPECT_THAT(agent.signals, SizeIs(1));
}

TEST(Serving, LogLineCanReportReadiness) {
  ServingAgent agent;
  auto lease = ServingAgent::recipe("p1");
  lease.server.ready_url = lease.server.health_url = lease.server.reset_url = "";
  lease.server.ready_log = "fired up and ready";
  agent.receive(lease);
  agent.server_starts(1);
  EXPECT_THAT(agent.asked, IsEmpty());
  agent.server_prints(1, "The server is fired up and rea");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1"));
  agent.server_prints(1, "dy to roll!\n");
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client"));
  agent.start("p1");
  agent.done("p1");
  lease.ref.point = "p2";
  agent.receive(lease);
  EXPECT_THAT(agent.started(), ElementsAre("serve k1", "client", "client"))
      << "it has neither a reset nor a health URL";
}

TEST(Serving, ServerThatEndsBeforeItIsReadyEndsTheAttempt) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.server_starts(1);
  agent.feed(LeaderExited{ServingAgent::server(1), {98, {}}});
  // its last output comes after its end
  agent.server_prints(1, "OSError: [Errno 98] Address already in use\n");
  agent.feed(GroupGone{ServingAgent::server(1)});
  const wire::Finished end = agent.finished("p1");
  EXPECT_EQ(end.outcome.kind, OutcomeKind::ServerFailed);
  EXPECT_EQ(end.outcome.exit_code, 98);
  EXPECT_EQ(end.outcome.reason,
            "the server exited with status 98: OSError: [Errno 98] Address already in use");
  EXPECT_THAT(end.account.server_says, ElementsAre("OSError: [Errno 98] Address already in use"));
}

TEST(Serving, ServerThatCannotBeStartedEndsTheAttempt) {
  ServingAgent agent;
  agent.receive(ServingAgent::recipe("p1"));
  agent.feed(StartFailed{ServingAgent::server(1), "cannot start 'bash': No such file or directory"});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::ServerFailed);
  EXPECT_THAT(agent.outcome().reason, HasSubstr("cannot start"));
}

}  // namespace
}  // namespace sweep::agent
