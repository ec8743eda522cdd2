// What follows if the server of a recipe does not start.
#include "controller/core/server_starts.hpp"
#include "tests/unit/core_fixture.hpp"

namespace sweep::core {
namespace {

using testing::Each;
using testing::Not;

class CoreServerStarts : public CoreTest {
 protected:
  void begin_keys(const std::vector<std::string>& keys) {
    for (std::size_t i = 0; i < keys.size(); ++i)
      specs.push_back({"p" + std::to_string(i), 8, "", keys[i]});
    state = make_state(settings, specs);
  }

  static Outcome start_failure(OutcomeKind kind = OutcomeKind::ServerFailed,
                               const std::string& phase = "ready",
                               const std::string& reason = "the server exited with status 1") {
    Outcome outcome = outcome_of(kind, reason);
    outcome.phase = phase;
    return outcome;
  }

  Messages leases(const Messages& words) const {
    Messages out;
    for (const std::string& word : words) {
      if (word.starts_with("lease ")) out.push_back(word.substr(6));
    }
    return out;
  }
  /// Agents a, b, … on nodes n1, n2, … join; returns the leases.
  Messages arrive_all(int count) {
    Messages out;
    for (int i = 0; i < count; ++i)
      join(agent_info(std::string(1, static_cast<char>('a' + i)), "n" + std::to_string(i + 1), 8, count));
    for (int i = 0; i < count; ++i) {
      for (const std::string& lease : leases(ready(std::string(1, static_cast<char>('a' + i)))))
        out.push_back(lease);
    }
    return out;
  }
  Messages fail_start(const std::string& agent, const std::string& point, int attempt = 1) {
    return leases(finish(agent, point, attempt, start_failure()));
  }
  std::vector<std::string> reasons(const std::vector<std::string>& points) const {
    std::vector<std::string> out;
    for (const std::string& id : points)
      out.push_back(std::string(state_word(point(id).state)) + ": " + point(id).reason);
    return out;
  }
  int server_starts_leased() const {
    return static_cast<int>(std::count_if(events.begin(), events.end(), [](const Event& event) {
      return std::holds_alternative<Leased>(event.what);
    }));
  }
};

TEST_F(CoreServerStarts, OtherPointsWaitForOneCanaryOnAnotherNodeAndFailWithIt) {
  begin_keys({"x", "x", "x", "x", "x"});
  join(agent_info("a", "n1", 8, 2));
  EXPECT_THAT(leases(ready("a")), ElementsAre("a p0/1"));
  EXPECT_THAT(fail_start("a", "p0"), IsEmpty()) << "b may still join, on another node";
  EXPECT_THAT(leases(arrive("b", "n2", 8, 2)), ElementsAre("b p1/1")) << "one canary, not on n1";
  EXPECT_THAT(leases(heartbeat("a")), IsEmpty()) << "the others wait for it";
  fail_start("b", "p1");
  EXPECT_EQ(state.count(PointState::Failed), 5);
  EXPECT_EQ(server_starts_leased(), 2);
  EXPECT_THAT(
      reasons({"p2", "p3", "p4"}),
      Each("failed: the server failed to start 2 times (on n1, n2), last: the server exited with status 1"));
  EXPECT_EQ(point("p2").attempts.size(), 0u);
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreServerStarts, PointsGoOnWhenTheCanarysServerIsReady) {
  begin_keys({"x", "x", "x", "x"});
  arrive_all(2);  // a has p0, b has p1, on the same key
  fail_start("a", "p0");
  EXPECT_EQ(state.failed_starts.at(0).nodes, std::set<std::string>{"n1"});
  EXPECT_THAT(leases(heartbeat("a")), IsEmpty()) << "b's start is awaited";
  // Started comes from a recipe's client, which is started when the server is ready.
  EXPECT_THAT(leases(start("b", "p1")), ElementsAre("a p2/1")) << "before the canary's benchmark has ended";
  EXPECT_THAT(state.failed_starts, IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Failed) << "it had no retries";
}

TEST_F(CoreServerStarts, EndOfTheClientWithoutStartedProvesTheServerToo) {
  for (const OutcomeKind kind : {OutcomeKind::Ok, OutcomeKind::NoResult, OutcomeKind::InvalidResult}) {
    specs.clear();
    events.clear();
    begin_keys({"x", "x", "x"});
    arrive_all(2);
    fail_start("a", "p0");
    EXPECT_THAT(leases(finish("b", "p1", 1, kind)), ElementsAre("b p2/1"));
    EXPECT_THAT(state.failed_starts, IsEmpty()) << outcome_word(kind);
  }
}

TEST_F(CoreServerStarts, ThirdNodeIsNotTriedAfterTwoHaveFailed) {
  begin_keys({"y", "x", "x", "x"});
  ASSERT_THAT(arrive_all(3), ElementsAre("a p0/1", "b p1/1", "c p2/1"));
  fail_start("b", "p1");
  fail_start("c", "p2");
  EXPECT_EQ(point("p3").state, PointState::Failed)
      << "n1 is busy with another server, and need not be waited for";
}

TEST_F(CoreServerStarts, NodeThatWaitsForTheEndOfItsJobIsWaitedFor) {
  begin_keys({"x", "x"});
  join(agent_info("a", "n1", 8, 2));
  AgentInfo other = agent_info("b", "n2", 8, 2);
  other.job = "13";
  other.task = 1;  // the first task asks Slurm
  join(other);
  EXPECT_THAT(leases(ready("a")), ElementsAre("a p0/1"));
  EXPECT_THAT(leases(ready("b")), IsEmpty());
  EXPECT_THAT(fail_start("a", "p0"), IsEmpty());
  EXPECT_THAT(leases(wait(Millis(15'000), {"a", "b"})), ElementsAre("b p1/1"));
}

TEST_F(CoreServerStarts, ReasonIsTheOutcomesWordIfItHasNoText) {
  begin_keys({"x", "x"});
  arrive_all(2);
  finish("a", "p0", 1, start_failure(OutcomeKind::ServerFailed, "ready", ""));
  EXPECT_EQ(state.failed_starts.at(0).reason, "server-failed");
}

TEST_F(CoreServerStarts, OnTheOnlyNodeTheCanaryRunsOnceMore) {
  begin_keys({"x", "x", "x", "x"});
  arrive_all(1);
  EXPECT_THAT(fail_start("a", "p0"), ElementsAre("a p1/1"));
  EXPECT_THAT(fail_start("a", "p1"), IsEmpty());
  EXPECT_EQ(state.count(PointState::Failed), 4);
  EXPECT_THAT(point("p3").reason, HasSubstr("2 times (on n1)"));
}

TEST_F(CoreServerStarts, BusyOtherNodeIsWaitedFor) {
  begin_keys({"x", "y", "x", "x"});
  EXPECT_THAT(arrive_all(2), ElementsAre("a p0/1", "b p1/1"));
  start("b", "p1");
  EXPECT_THAT(fail_start("a", "p0"), IsEmpty()) << "n2 is busy, but can try later";
  EXPECT_THAT(leases(finish("b", "p1")), ElementsAre("b p2/1"));
}

TEST_F(CoreServerStarts, NodeThatCannotRunThePointIsNotWaitedFor) {
  begin_keys({"x", "x", "x"});
  join(agent_info("a", "n1", 8, 2));
  join(agent_info("b", "n2", 4, 2));
  ready("b");
  EXPECT_THAT(leases(ready("a")), ElementsAre("a p0/1"));
  EXPECT_THAT(fail_start("a", "p0"), ElementsAre("a p1/1"));
}

TEST_F(CoreServerStarts, NodeWhoseJobEndsTooSoonIsNotWaitedFor) {
  settings.expected = Millis(60'000);
  begin_keys({"x", "x"});
  join(agent_info("a", "n1", 8, 2));
  AgentInfo other = agent_info("b", "n2", 8, 2);
  other.job = "13";
  join(other);
  Ready asks{"b"};
  asks.job_ends = now + Millis(30'000);
  mark_seen(state, "b", now);
  EXPECT_THAT(leases(handle(asks)), IsEmpty());
  EXPECT_THAT(leases(ready("a")), ElementsAre("a p0/1"));
  EXPECT_THAT(fail_start("a", "p0"), ElementsAre("a p1/1"));
}

TEST_F(CoreServerStarts, OtherKeysAndScriptsAreNotAffected) {
  begin_keys({"x", "x", "y", "", "x"});
  EXPECT_THAT(arrive_all(1), ElementsAre("a p0/1"));
  EXPECT_THAT(fail_start("a", "p0"), ElementsAre("a p1/1"));
  EXPECT_THAT(fail_start("a", "p1"), ElementsAre("a p2/1")) << "p4 failed with its key";
  EXPECT_EQ(point("p4").state, PointState::Failed);
  EXPECT_THAT(leases(finish("a", "p2", 1, start_failure())), ElementsAre("a p3/1"));
  EXPECT_EQ(point("p3").key, -1);
  finish("a", "p3", 1, start_failure());
  EXPECT_EQ(state.failed_starts.size(), 2u) << "a script has no key to remember";
}

TEST_F(CoreServerStarts, RetriesOfAPointAreStartsOfItsKey) {
  settings.benchmark_retries = 2;
  begin_keys({"x", "x", "x"});
  arrive_all(2);
  fail_start("a", "p0");
  EXPECT_EQ(fail_start("b", "p1"), (Messages{"a p0/2"})) << "three starts are allowed";
  fail_start("a", "p0", 2);
  EXPECT_EQ(state.count(PointState::Failed), 3);
  EXPECT_EQ(point("p2").attempts.size(), 0u);
  EXPECT_THAT(reasons({"p0", "p1", "p2"}), Each(HasSubstr("failed to start 3 times (on n1, n2)")));
}

TEST_F(CoreServerStarts, TimeLimitOfAStartIsAFailedStart) {
  for (const char* phase : {"server-start", "ready"}) {
    EXPECT_TRUE(failed_to_start(start_failure(OutcomeKind::TimedOut, phase))) << phase;
    EXPECT_TRUE(failed_to_start(start_failure(OutcomeKind::ServerFailed, phase))) << phase;
    for (const OutcomeKind other :
         {OutcomeKind::Infrastructure, OutcomeKind::Cancelled, OutcomeKind::Preempted,
          OutcomeKind::BenchmarkFailed, OutcomeKind::NoResult, OutcomeKind::Ok})
      EXPECT_FALSE(failed_to_start(start_failure(other, phase))) << outcome_word(other);
  }
  for (const OutcomeKind of_image : {OutcomeKind::BenchmarkFailed, OutcomeKind::TimedOut})
    EXPECT_TRUE(failed_to_start(start_failure(of_image, "image"))) << "the image is the same on all nodes";
  EXPECT_FALSE(failed_to_start(start_failure(OutcomeKind::Infrastructure, "image")));
  for (const char* phase : {"benchmark", "warm-up", "reset", "stop", "image", ""})
    EXPECT_FALSE(failed_to_start(start_failure(OutcomeKind::ServerFailed, phase))) << phase;
}

TEST_F(CoreServerStarts, FaultOfTheNodeIsNotRemembered) {
  begin_keys({"x", "x"});
  arrive_all(2);
  finish("a", "p0", 1, start_failure(OutcomeKind::Infrastructure));
  EXPECT_THAT(state.failed_starts, IsEmpty());
  EXPECT_EQ(point("p0").state, PointState::Pending);
}

TEST_F(CoreServerStarts, LostCanaryIsReplacedByAnother) {
  begin_keys({"x", "x", "x"});
  arrive_all(3);  // one point each
  fail_start("a", "p0");
  finish("c", "p2", 1, OutcomeKind::BenchmarkFailed);
  EXPECT_THAT(leases(lose("b")), ElementsAre("c p1/2")) << "not a: the server failed there";
}

TEST_F(CoreServerStarts, WarmServerGoesOnAlthoughItDidNotStartElsewhere) {
  begin_keys({"x", "x", "x", "x", "x"});
  arrive_all(3);
  finish("a", "p0");  // a takes p3 on its warm server
  EXPECT_EQ(point("p3").attempts.back().agent, "a");
  fail_start("b", "p1");
  EXPECT_THAT(fail_start("c", "p2"), IsEmpty());
  EXPECT_EQ(point("p4").state, PointState::Pending) << "a's server is running";
  EXPECT_THAT(leases(finish("a", "p3")), ElementsAre("a p4/1"));
}

TEST_F(CoreServerStarts, PointThatNoIdleServerFitsFailsWithItsServer) {
  specs = {{"p0", 8, "", "x"}, {"p1", 8, "", "x"}, {"p2", 8, "", "x"}, {"small", 2, "", "x"}};
  state = make_state(settings, specs);
  join(agent_info("a", "n1", 8, 3));
  join(agent_info("b", "n2", 8, 3));
  join(agent_info("c", "n3", 2, 3));
  for (const char* agent : {"a", "b", "c"})
    ready(agent);
  finish("c", "small");  // its server stays on n3, which is too small for the other points
  ASSERT_THAT(agent("c").warm, ElementsAre(WarmServer{0, 2}));
  fail_start("a", "p0");
  fail_start("b", "p1");
  EXPECT_THAT(reasons({"p2"}),
              ElementsAre("failed: the server failed to start 2 times (on n1, n2), last: the "
                          "server exited with status 1"));
  EXPECT_EQ(state.phase, Phase::Closed);
}

TEST_F(CoreServerStarts, IdleServerOnABadNodeIsUsedWhenNoOtherMayStart) {
  begin_keys({"x", "x", "x", "y", "x"});
  arrive_all(4);
  ASSERT_EQ(point("p3").attempts.back().agent, "b") << "its key is y";
  finish("a", "p0", 1, outcome_of(OutcomeKind::Infrastructure, "a bad disk"));
  ASSERT_THAT(leases(finish("a", "p4")), IsEmpty()) << "p0 waits for another node";
  fail_start("c", "p1");
  EXPECT_THAT(fail_start("d", "p2"), ElementsAre("a p0/2"))
      << "n2 could run it, but no further start is allowed";
}

TEST_F(CoreServerStarts, NoFurtherStartWhileAnIdleServerHasNoTime) {
  settings.expected = Millis(60'000);
  begin_keys({"x", "x", "x", "y", "x"});
  AgentInfo first = agent_info("a", "n1", 8, 4);
  first.job = "20";
  join(first);
  for (const char* other : {"b", "c", "d"})
    join(agent_info(other, "n" + std::to_string(other[0] - 'a' + 1), 8, 4));
  Ready asks{"a"};
  asks.job_ends = now + Millis(90'000);
  EXPECT_THAT(leases(handle(asks)), ElementsAre("a p0/1"));
  EXPECT_THAT(leases(ready("b")), ElementsAre("b p3/1"));
  ready("c");
  ready("d");
  for (int i = 0; i < 2; ++i)
    wait(Millis(30'000), {"a", "b", "c", "d"});
  handle(AttemptFinished{"a", {"p0", 1}, outcome_of(OutcomeKind::Ok), Millis(60'000)});
  ASSERT_THAT(agent("a").warm, ElementsAre(WarmServer{0, 8}));
  fail_start("c", "p1");
  EXPECT_THAT(fail_start("d", "p2"), IsEmpty());
  EXPECT_EQ(point("p4").state, PointState::Pending);
  AttemptFinished other{"b", {"p3", 1}, outcome_of(OutcomeKind::Ok), Millis(60'000)};
  EXPECT_THAT(leases(handle(other)), IsEmpty()) << "two starts have failed; n2 is not tried too";
}

TEST_F(CoreServerStarts, ResumeForgetsFailedStarts) {
  begin_keys({"x", "x", "x"});
  arrive_all(1);
  fail_start("a", "p0");
  fail_start("a", "p1");
  ASSERT_EQ(state.phase, Phase::Closed);
  handle(Resume{"2", "13.0", true, {}});
  EXPECT_THAT(state.failed_starts, IsEmpty());
  EXPECT_EQ(state.count(PointState::Pending), 3);
  AgentInfo again = agent_info("b", "n1", 8);
  join(again);
  EXPECT_THAT(leases(ready("b")), ElementsAre("b p0/2"));
}

TEST_F(CoreServerStarts, PointThatFailedWithItsKeyStaysFailedUnlessRetryIsAsked) {
  begin_keys({"x", "x", "x", "y"});
  arrive_all(1);
  fail_start("a", "p0");
  fail_start("a", "p1");
  handle(Stop{"ctrl-c", Millis(0)});
  handle(Goodbye{"a", "drained"});
  handle(Resume{"2", "13.0", false, {}});
  EXPECT_EQ(point("p2").state, PointState::Failed);
  EXPECT_THAT(point("p2").reason, HasSubstr("the server failed to start"));
}

TEST_F(CoreServerStarts, SpooledEndOfAnEarlierAgentIsNoEvidence) {
  begin_keys({"x", "x", "x"});
  arrive_all(2);
  lose("a");
  AgentInfo again = agent_info("a", "n1", 8, 2);
  again.pid = 200;
  join(again);
  AttemptFinished found{"a", {"p0", 1}, start_failure(), Millis(1'000), "a"};
  mark_seen(state, "a", now);
  handle(found);
  EXPECT_THAT(state.failed_starts, IsEmpty());
}

TEST_F(CoreServerStarts, PointWithAnInvalidResultKeepsIt) {
  settings.invalid_retries = 1;
  specs = {{"p0", 4, "", "x"}, {"p1", 8, "", "x"}, {"p2", 8, "", "x"}};
  state = make_state(settings, specs);
  join(agent_info("a", "n1", 8, 3));
  join(agent_info("b", "n2", 8, 3));
  join(agent_info("c", "n3", 4, 3));
  ready("a");
  ready("b");
  ASSERT_THAT(leases(ready("c")), ElementsAre("c p0/1"));
  AttemptFinished command{"c", {"p0", 1}, outcome_of(OutcomeKind::Ok), Millis(1'000)};
  command.invalid = {"gpus-busy: x"};
  ASSERT_THAT(leases(handle(command)), ElementsAre("c p0/2"));
  handle(Goodbye{"c", "drained"});
  ASSERT_EQ(point("p0").state, PointState::Pending);
  fail_start("a", "p1");
  fail_start("b", "p2");
  EXPECT_EQ(point("p0").state, PointState::Done);
  EXPECT_TRUE(has_invalid_result(point("p0")));
  EXPECT_EQ(point("p0").reason, "");
}

TEST_F(CoreServerStarts, StoppedSweepCancelsWaitingPointsInsteadOfFailingThem) {
  begin_keys({"x", "x", "x"});
  arrive_all(1);
  fail_start("a", "p0");
  handle(Stop{"ctrl-c", Millis(10'000)});
  fail_start("a", "p1");
  EXPECT_THAT(reasons({"p2"}), ElementsAre(Not(HasSubstr("failed to start"))));
}

}  // namespace
}  // namespace sweep::core
