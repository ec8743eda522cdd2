// Leases of points whose servers can be reused.
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

class CoreWarm : public CoreTest {
 protected:
  /// Points p0, p1, … with these server keys ("": a script), all on `gpus` GPUs.
  void begin_keys(const std::vector<std::string>& keys, int gpus = 8) {
    for (std::size_t i = 0; i < keys.size(); ++i)
      specs.push_back({"p" + std::to_string(i), gpus, "", keys[i]});
    state = make_state(settings, specs);
  }

  /// A point ends with a result after `servers` server starts, `start` for its server and `run` for itself.
  Messages done(const std::string& agent, const std::string& point, int servers = 0, Millis start = Millis(0),
                Millis run = Millis(60'000)) {
    AttemptFinished command{agent, {point, 1}, outcome_of(OutcomeKind::Ok), start + run};
    command.account.servers = servers;
    command.account.phases = {{"ready", start}, {"benchmark", run}};
    return leases(handle(command));
  }

  static Messages leases(const Messages& words) {
    Messages out;
    for (const std::string& word : words) {
      if (word.starts_with("lease ")) out.push_back(word.substr(6));
    }
    return out;
  }
};

TEST_F(CoreWarm, AgentTakesFurtherPointsOfItsServer) {
  begin_keys({"x", "y", "x", "y", "x"});
  EXPECT_THAT(leases(arrive("a", "n1", 8)), ElementsAre("a p0/1"));
  EXPECT_THAT(done("a", "p0"), ElementsAre("a p2/1"));
  EXPECT_THAT(done("a", "p2"), ElementsAre("a p4/1"));
  EXPECT_THAT(done("a", "p4"), ElementsAre("a p1/1"));
  EXPECT_THAT(done("a", "p1"), ElementsAre("a p3/1"));
}

TEST_F(CoreWarm, SecondAgentStartsWithAKeyThatHasNoServer) {
  begin_keys({"x", "x", "y", "x", "y"});
  EXPECT_THAT(leases(arrive("a", "n1", 8, 2)), ElementsAre("a p0/1"));
  EXPECT_THAT(leases(arrive("b", "n2", 8, 2)), ElementsAre("b p2/1"));
  EXPECT_THAT(done("b", "p2"), ElementsAre("b p4/1"));
  EXPECT_THAT(done("a", "p0"), ElementsAre("a p1/1"));
}

TEST_F(CoreWarm, ScriptsAndKeysWithoutServerAreTakenInMatrixOrder) {
  begin_keys({"x", "x", "", "y"});
  EXPECT_THAT(leases(arrive("a", "n1", 8, 3)), ElementsAre("a p0/1"));
  EXPECT_THAT(leases(arrive("b", "n2", 8, 3)), ElementsAre("b p2/1"));
  EXPECT_THAT(leases(arrive("c", "n3", 8, 3)), ElementsAre("c p3/1"));
}

TEST_F(CoreWarm, IdleAgentStartsAServerForTheKeyWithMostWaitingPointsPerServer) {
  begin_keys({"x", "x", "y", "y", "y", "y"});
  EXPECT_THAT(leases(arrive("a", "n1", 8, 4)), ElementsAre("a p0/1"));
  EXPECT_THAT(leases(arrive("b", "n2", 8, 4)), ElementsAre("b p2/1"));
  EXPECT_THAT(leases(arrive("c", "n3", 8, 4)), ElementsAre("c p3/1"));  // three points of y wait, one of x
  // Both keys have one waiting point per server: the first key is taken.
  EXPECT_THAT(leases(arrive("d", "n4", 8, 4)), ElementsAre("d p1/1"));
}

TEST_F(CoreWarm, PointWaitsForAServerThatIsFreeBeforeAnotherHasStarted) {
  begin_keys({"x", "x", "x", "x"});
  arrive("a", "n1", 8, 2);
  EXPECT_THAT(done("a", "p0", 1, Millis(300'000), Millis(60'000)), ElementsAre("a p1/1"));
  // Two points wait, each takes a minute; another server takes five minutes to start.
  EXPECT_THAT(leases(arrive("b", "n2", 8, 2)), IsEmpty());
  EXPECT_THAT(done("a", "p1"), ElementsAre("a p2/1"));
  EXPECT_THAT(done("a", "p2"), ElementsAre("a p3/1"));
}

TEST_F(CoreWarm, AnotherServerIsStartedIfThatIsFaster) {
  begin_keys({"x", "x", "x", "x", "x", "x", "x", "x", "x", "x"});
  arrive("a", "n1", 8, 2);
  EXPECT_THAT(done("a", "p0", 1, Millis(300'000), Millis(60'000)), ElementsAre("a p1/1"));
  EXPECT_THAT(leases(arrive("b", "n2", 8, 2)), ElementsAre("b p2/1"));
}

TEST_F(CoreWarm, PointsOfALostServerAreTakenByOtherAgents) {
  begin_keys({"x", "x"});
  arrive("a", "n1", 8, 2);
  start("a", "p0");
  arrive("b", "n2", 8, 2);
  EXPECT_THAT(done("b", "p1", 1, Millis(300'000)), IsEmpty());
  EXPECT_THAT(leases(lose("a")), ElementsAre("b p0/2"));
}

TEST_F(CoreWarm, WaitingPointIsLeasedWhenTheAgentItWaitsForIsGone) {
  begin_keys({"x", "x", "x"});
  arrive("a", "n1", 8, 2);
  EXPECT_THAT(done("a", "p0", 1, Millis(300'000)), ElementsAre("a p1/1"));
  EXPECT_THAT(leases(arrive("b", "n2", 8, 2)), IsEmpty());
  EXPECT_THAT(leases(lose("a")), ElementsAre("b p1/2"));
}

TEST_F(CoreWarm, FailedServerIsNotWarm) {
  settings.benchmark_retries = 1;
  begin_keys({"x", "y", "x"});
  arrive("a", "n1", 8);
  // The key has no server any more, so its points are taken in matrix order with the others.
  EXPECT_THAT(leases(finish("a", "p0", 1, OutcomeKind::ServerFailed)), ElementsAre("a p0/2"));
  EXPECT_THAT(leases(finish("a", "p0", 2, OutcomeKind::ServerFailed)), ElementsAre("a p1/1"));
}

TEST_F(CoreWarm, ServerOfAFailedBenchmarkStaysWarm) {
  begin_keys({"x", "y", "x"});
  arrive("a", "n1", 8);
  EXPECT_THAT(leases(finish("a", "p0", 1, OutcomeKind::BenchmarkFailed)), ElementsAre("a p2/1"));
}

TEST_F(CoreWarm, WithoutPackingANodeKeepsOneServer) {
  begin_keys({"x", "y", "z", "y"}, 2);
  arrive("a", "n1", 8);
  done("a", "p0");
  EXPECT_THAT(agent("a").warm, IsEmpty());  // p1 occupies the node
  EXPECT_EQ(state.servers.servers(0), 0);
  EXPECT_THAT(done("a", "p1"), ElementsAre("a p3/1"));
}

TEST_F(CoreWarm, PackedServersAreKeptWhileTheirGpusAreFree) {
  settings.pack_gpus = true;
  begin_keys({"x", "y", "z", "x", "y"}, 4);
  EXPECT_THAT(leases(arrive("a", "n1", 8)), ElementsAre("a p0/1", "a p1/1"));
  EXPECT_THAT(done("a", "p0"), ElementsAre("a p3/1"));
  EXPECT_THAT(done("a", "p1"), ElementsAre("a p4/1"));
  EXPECT_THAT(done("a", "p3"), ElementsAre("a p2/1"));  // z, on the GPUs of x
  EXPECT_THAT(agent("a").warm, IsEmpty());
  EXPECT_THAT(done("a", "p4"), IsEmpty());
  EXPECT_THAT(agent("a").warm, ElementsAre(WarmServer{1, 4}));
}

TEST_F(CoreWarm, MostRecentlyUsedServerIsKept) {
  settings.pack_gpus = true;
  begin_keys({"x", "y", "x", "w"}, 4);
  specs[3].gpus = 2;
  state = make_state(settings, specs);
  arrive("a", "n1", 8);
  EXPECT_THAT(done("a", "p0"), ElementsAre("a p2/1"));
  EXPECT_THAT(done("a", "p1"), ElementsAre("a p3/1"));
  EXPECT_THAT(agent("a").warm, IsEmpty()) << "x uses four GPUs, w two: too few are left for y";
  EXPECT_THAT(done("a", "p2"), IsEmpty());
  EXPECT_THAT(agent("a").warm, ElementsAre(WarmServer{0, 4}));
}

TEST_F(CoreWarm, ServerStartMustFitIntoTheJob) {
  begin_keys({"x", "y"});
  join(agent_info("a", "n1", 8));
  Ready asks{"a"};
  asks.job_ends = now + Millis(600'000);
  handle(asks);
  now += Millis(360'000);
  mark_seen(state, "a", now);
  // Four minutes are left: enough for a point of one minute, but not with a server start of five.
  EXPECT_THAT(done("a", "p0", 1, Millis(300'000), Millis(60'000)), IsEmpty());
  EXPECT_EQ(state.phase, Phase::Closed);
  EXPECT_THAT(state.end_reason, HasSubstr("too soon"));
}

TEST_F(CoreWarm, WarmServerOnABadNodeDoesNotGetThePoint) {
  begin_keys({"x", "x", "y"});
  arrive("a", "n1", 8, 2);
  arrive("b", "n2", 8, 2);
  finish("a", "p0", 1, OutcomeKind::Infrastructure);
  // a gets p1; p0 waits for another node.
  EXPECT_EQ(point("p1").state, PointState::Leased);
  EXPECT_THAT(done("a", "p1"), IsEmpty());
  EXPECT_THAT(done("b", "p2"), ElementsAre("b p0/2"));
}

TEST_F(CoreWarm, SweepWithoutRecipesHasNoServerIndexes) {
  begin({1, 1});
  arrive("a", "n1", 8);
  finish("a", "p0");
  EXPECT_FALSE(state.servers.any_keys());
  EXPECT_EQ(state.servers, Servers());
}

}  // namespace
}  // namespace sweep::core
