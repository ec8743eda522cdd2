// agent/core: an agent that was suspended. Its clock stood still meanwhile, so the tests do not move it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr Millis kPause{3'600'500};

TEST(AgentSuspended, ResultMeasuredMeanwhileIsNotTrusted) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.feed(Suspended{kPause});
  agent.leave_result("p", "{}");
  agent.exit("p");
  ASSERT_EQ(agent.messages<wire::Finished>().size(), 1u);
  EXPECT_THAT(agent.messages<wire::Finished>()[0].account.flaws,
              ElementsAre("suspended: the benchmark or its agent stood still for 60 min"));
}

TEST(AgentSuspended, AttemptThatWaitsForItsProcessIsNotAffected) {
  ScriptedAgent agent;
  agent.join();
  agent.receive(ScriptedAgent::lease("p"));
  agent.feed(Suspended{kPause});  // before the process has started
  agent.start("p");
  agent.leave_result("p", "{}");
  agent.exit("p");
  ASSERT_EQ(agent.messages<wire::Finished>().size(), 1u);
  EXPECT_THAT(agent.messages<wire::Finished>()[0].account.flaws, IsEmpty());
}

// A controller would not accept a negative time.
TEST(AgentSuspended, BenchmarkThatBeganJustBeforeTheClockIsSetBackHasTakenNoTime) {
  ScriptedAgent agent;
  agent.join();
  agent.receive(ScriptedAgent::lease("p"));
  agent.start("p");
  agent.now -= kPause;
  agent.feed(Suspended{kPause});
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.messages<wire::Finished>().at(0).wall_ms, 0);
}

TEST(AgentSuspended, EachPauseIsReportedOnce) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.feed(Suspended{Millis(7'000)});
  agent.feed(Suspended{Millis(7'000)});
  agent.feed(Suspended{Millis(8'000)});
  agent.leave_result("p", "{}");
  agent.exit("p");
  EXPECT_EQ(agent.messages<wire::Finished>().at(0).account.flaws.size(), 2u);
}

TEST(AgentSuspended, SlurmsTimeLimitIsComparedWithTheRealTime) {
  auto setup = ScriptedAgent::default_setup();
  ScriptedAgent before(setup);
  setup.job_end = before.now + Millis(3'690'500);
  ScriptedAgent warned(setup);
  warned.join();
  warned.feed(Suspended{kPause});
  warned.feed(Signalled{SIGUSR1});
  ASSERT_TRUE(warned.exited || !warned.messages<wire::Goodbye>().empty());
  EXPECT_THAT(warned.messages<wire::Goodbye>().at(0).reason, HasSubstr("the job ends in 90 s"));
}

TEST(AgentSuspended, JobEndIsAskedAgainAfterAPause) {
  auto setup = ScriptedAgent::default_setup();
  setup.asks_job_end = true;
  ScriptedAgent agent(setup);
  agent.join();
  agent.feed(Suspended{Millis(60'000)});
  EXPECT_EQ(agent.asked_job_end, 0) << "the first answer is still awaited";
  agent.feed(JobEndKnown{from_unix_ms(1'764'000'000'000)});
  agent.feed(Suspended{Millis(60'000)});
  EXPECT_EQ(agent.asked_job_end, 1);
  agent.feed(JobEndKnown{from_unix_ms(1'764'000'060'000)});
  ASSERT_EQ(agent.messages<wire::Ready>().size(), 2u);
  EXPECT_EQ(agent.messages<wire::Ready>()[1].job_ends_ms, 1'764'000'060'000);
  agent.feed(JobEndKnown{from_unix_ms(1'764'000'090'000)});
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 2u) << "it was asked once";
  agent.feed(Suspended{Millis(60'000)});
  agent.feed(JobEndKnown{});
  EXPECT_EQ(agent.messages<wire::Ready>().size(), 2u) << "scontrol failed; what was known stays";

  ScriptedAgent other;  // another task asks for this job
  other.join();
  other.feed(Suspended{Millis(60'000)});
  EXPECT_EQ(other.asked_job_end, 0);
}

}  // namespace
}  // namespace sweep::agent
