// agent/core: phases and time limits of a script, with and without a server of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "agent/core/environment.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

ScriptedAgent& started(ScriptedAgent& agent, wire::Timeouts timeouts = {}) {
  agent.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = timeouts;
  agent.receive(lease);
  agent.start("p");
  return agent;
}

TEST(AgentDeadline, LimitForAServerDoesNotEndAScriptWithoutOne) {
  ScriptedAgent agent;
  started(agent, {1'000, 0, 0});
  agent.print("p", "measuring\n");
  agent.pass(Millis(100'000));
  EXPECT_TRUE(agent.signals.empty());
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
}

TEST(AgentDeadline, LimitForTheBenchmarkStartsWithAScriptWithoutAServer) {
  ScriptedAgent agent;
  started(agent, {1'000, 90'000, 0}).pass(Millis(89'999));
  EXPECT_TRUE(agent.signals.empty());
  agent.pass(Millis(1));
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
  EXPECT_EQ(agent.outcome().phase, "benchmark");
  EXPECT_THAT(agent.outcome().reason,
              StartsWith("the benchmark did not end within 90 s (timeouts: benchmark); if it was still "));
}

TEST(AgentDeadline, ProfileSaysAtWhichLineAScriptsServerIsReady) {
  for (const char* line : {"all 8 workers are up\n", "Starting initial single prompt test run...\n"}) {
    ScriptedAgent agent;
    agent.join();
    wire::Lease lease = ScriptedAgent::lease("p");
    lease.timeouts = {60'000, 5'000, 0};
    lease.script_ready = "^all [0-9]+ workers are up$";
    agent.receive(lease);
    agent.start("p");
    EXPECT_EQ(agent.messages<wire::Progress>().back().phase, "server");
    agent.pass(Millis(50'000));
    agent.print("p", "Application startup complete.\n");  // of one worker
    EXPECT_EQ(agent.messages<wire::Progress>().back().phase, "server");
    agent.print("p", line);
    EXPECT_EQ(agent.messages<wire::Progress>().back().phase, "benchmark");
    agent.pass(Millis(4'999));
    EXPECT_TRUE(agent.signals.empty());
    agent.pass(Millis(1));
    EXPECT_EQ(agent.signals.size(), 1u) << line;
    agent.exit("p", {{}, SIGTERM});
    EXPECT_THAT(agent.messages<wire::Finished>().back().account.phases,
                ElementsAre(PhaseTime{"server", Millis(50'000)}, PhaseTime{"benchmark", Millis(5'000)}));
    EXPECT_THAT(agent.outcome().reason, StartsWith("the server was ready, but the benchmark did not end"));
  }
}

TEST(AgentDeadline, ServerOfAScriptThatIsNotReadyInTimeIsEnded) {
  ScriptedAgent agent;
  agent.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = {60'000, 0, 0};
  lease.script_ready = "up";
  agent.receive(lease);
  agent.start("p");
  agent.pass(Millis(60'000));
  EXPECT_EQ(agent.signals.size(), 1u);
}

TEST(AgentAccount, NamesTheRatioOnlyIfTheAgentsOwnEnvironmentHasSetIt) {
  agent::Setup setup = ScriptedAgent::default_setup();
  setup.environment = {"A=1", "RANDOM_RANGE_RATIO=0.5", "RANDOM_RANGE_RATIO=0.6"};
  EXPECT_EQ(own_range_ratio(setup.environment, {}), "0.5") << "the first counts, as for getenv";
  EXPECT_EQ(own_range_ratio(setup.environment, {{"RANDOM_RANGE_RATIO", "1"}}), "") << "the lease wins";
  EXPECT_EQ(own_range_ratio({"A=1"}, {}), "");
  ScriptedAgent agent(setup);
  started(agent).leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.messages<wire::Finished>().back().account.range_ratio.str(), "0.5");
}

// ---- phases of a script

TEST(AgentPhases, ScriptHasAServerOnlyIfItsOutputShowsOne) {
  const std::string starts = "INFO:     Started server process [4711]\n";
  const std::string client = "Starting initial single prompt test run...\n";
  struct Case {
    std::string first, second, phases;
  };
  const std::vector<Case> cases = {
      {"hello\n", "bye\n", "benchmark 2000"},
      {"hello\n", "Application startup complete.\n", "server 1000, benchmark 1000"},
      {starts, "The server is fired up and ready to roll!\n", "server 1000, benchmark 1000"},
      {starts, client, "server 1000, benchmark 1000"},
      {starts, "\n", "server 2000"},
      {"hello\n", client, "set-up 1000, benchmark 1000"},
      {client, "Application startup complete.\n", "set-up 0, benchmark 2000"}};
  for (const Case& c : cases) {
    ScriptedAgent agent;
    started(agent).print("p", c.first);
    agent.pass(Millis(1'000));
    agent.print("p", c.second);
    agent.pass(Millis(1'000));
    agent.leave_result("p", "{}");
    agent.exit("p");
    std::string got;
    const Account account = agent.messages<wire::Finished>().back().account;
    for (const PhaseTime& phase : account.phases)
      got += (got.empty() ? "" : ", ") + phase.name + " " + std::to_string(phase.time.count());
    EXPECT_EQ(got, c.phases) << c.first << c.second;
  }
}

}  // namespace
}  // namespace sweep::agent
