// agent/core: an agent that was frozen; signals that warn; the end of the job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "agent/core/job_end.hpp"
#include "proto/base/env_names.hpp"
#include "tests/unit/agent_fixture.hpp"

namespace sweep::agent {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// ---- frozen: nothing happens for an hour, then everything at once

constexpr Millis kFrozen{3'600'000};

TEST(AgentFrozen, DeadlinesThatHaveAllPassedAreOneStepEach) {
  ScriptedAgent scene;
  scene.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = {1'000, 1'000, 60'000};
  scene.hear(lease);
  scene.start("p");
  scene.now += kFrozen;
  scene.feed(Output{{"p", 1}, false, " 10%|#         | 1/10 ["});
  scene.feed(Tick{});
  ASSERT_EQ(scene.signals.size(), 1u);
  EXPECT_FALSE(scene.signals[0].kill) << "without its grace time";
  EXPECT_FALSE(scene.exited);
  scene.pass(Millis(4'999));
  EXPECT_EQ(scene.signals.size(), 1u);
  scene.exit("p", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::TimedOut);
}

TEST(AgentFrozen, WithNothingToTellItBeatsOnce) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.now += kFrozen;
  scene.feed(Tick{});
  EXPECT_EQ(scene.said<wire::Heartbeat>().size(), 1u);
  EXPECT_THAT(scene.signals, IsEmpty());
}

TEST(AgentFrozen, ABenchmarkThatEndedMeanwhileHasItsOwnEnd) {
  ScriptedAgent scene;
  scene.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts.point_ms = 60'000;
  scene.hear(lease);
  scene.start("p");
  scene.leave_result("p", "{}");
  scene.now += kFrozen;
  scene.feed(LeaderExited{{"p", 1}, {0, {}}});  // signals come first in the driver's loop
  scene.feed(GroupGone{{"p", 1}});
  scene.feed(Tick{});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Ok);
  // The lease has gone to another agent and its result counts: this one is told so, and forgets it.
  scene.hear(wire::Settled{{"p", 1}, false});
  EXPECT_EQ(scene.dropped.size(), 1u);
  EXPECT_THAT(scene.removed, IsEmpty());
}

TEST(AgentFrozen, AConnectionThatWasCutMeanwhileIsMadeAgain) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.now += kFrozen;
  scene.disconnect();
  scene.feed(Tick{});
  EXPECT_FALSE(scene.exited);
  EXPECT_THAT(scene.signals, IsEmpty());
  scene.join();
  EXPECT_EQ(scene.said<wire::Progress>().back().ref.point, "p");
  scene.hear(wire::Cancel{{"p", 1}, "another agent has it"});
  scene.exit("p", {{}, SIGTERM});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentFrozen, BetweenTermAndKill) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  scene.now += kFrozen;
  scene.feed(Tick{});
  ASSERT_EQ(scene.signals.size(), 2u);
  EXPECT_TRUE(scene.signals[1].kill);
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty()) << "before the signal could do its work";
}

// ---- signals

TEST(AgentSignal, TheWarningOfATimeLimitPreempts) {
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    ScriptedAgent scene;
    scene.join();
    scene.lease_and_start("p");
    scene.feed(Signalled{signal});
    scene.exit("p", {{}, SIGTERM});
    EXPECT_EQ(scene.outcome().kind, OutcomeKind::Preempted);
    EXPECT_EQ(scene.outcome().reason, signal == SIGUSR1 ? "warned by SIGUSR1" : "warned by SIGUSR2");
    scene.hear(wire::Settled{{"p", 1}, false});
    EXPECT_EQ(scene.said<wire::Goodbye>().size(), 1u);
    EXPECT_TRUE(scene.exited);
  }
}

TEST(AgentSignal, TheReasonSaysHowTheJobStands) {
  const auto reason = [](int signal, Millis before_the_end) {
    auto setup = ScriptedAgent::some_setup();
    setup.job_end = ScriptedAgent().now + before_the_end;
    ScriptedAgent scene(setup);
    scene.join();
    scene.lease_and_start("p");
    scene.feed(Signalled{signal});
    scene.exit("p", {{}, SIGTERM});
    return scene.outcome().reason;
  };
  EXPECT_EQ(reason(SIGUSR1, Millis(90'500)), "warned by SIGUSR1: its job ends in 90 s");
  EXPECT_EQ(reason(SIGTERM, Millis(0)), "stopped by SIGTERM: its job has reached its time limit");
  EXPECT_EQ(reason(SIGTERM, Millis(90'000)), "stopped by SIGTERM");
}

TEST(AgentSignal, ABenchmarkThatTheWarningReachedFirstIsPreemptedToo) {
  ScriptedAgent scene;
  scene.join();
  scene.lease_and_start("p");
  scene.exit("p", {{}, SIGUSR1});
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty());
  scene.feed(Signalled{SIGUSR1});
  EXPECT_EQ(scene.outcome().kind, OutcomeKind::Preempted);
}

TEST(AgentKill, ASecondReasonDoesNotCutTheTimeAfterSigkillShort) {
  ScriptedAgent scene;
  scene.connect();
  scene.welcome(false, 0);  // no grace time: SIGKILL at once
  scene.lease_and_start("p");
  scene.feed(Signalled{SIGTERM});
  ASSERT_EQ(scene.signals.size(), 1u);
  scene.hear(wire::Cancel{{"p", 1}, "enough"});
  scene.pass(Millis(1));
  EXPECT_THAT(scene.said<wire::Finished>(), IsEmpty()) << "it is just dying";
}

// ---- the end of the job

TEST(AgentJobEnd, ReadyTellsIt) {
  auto setup = ScriptedAgent::some_setup();
  setup.job_end = from_unix_ms(1'764'000'000'000);
  ScriptedAgent scene(setup);
  scene.join();
  ASSERT_EQ(scene.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
}

TEST(AgentJobEnd, ReadyWaitsForTheAnswerAndNoLonger) {
  auto setup = ScriptedAgent::some_setup();
  setup.asks_job_end = true;
  ScriptedAgent scene(setup);
  scene.join();
  scene.pass(Millis(9'999));
  EXPECT_THAT(scene.said<wire::Ready>(), IsEmpty());
  scene.feed(JobEndKnown{from_unix_ms(1'764'000'000'000)});
  ASSERT_EQ(scene.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
  scene.disconnect();
  scene.join();
  EXPECT_EQ(scene.said<wire::Ready>().back().job_ends_ms, 1'764'000'000'000);

  ScriptedAgent slow(setup);
  slow.join();
  slow.pass(Millis(10'000));
  ASSERT_EQ(slow.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(slow.said<wire::Ready>()[0].job_ends_ms, 0);
  slow.feed(JobEndKnown{from_unix_ms(1'764'000'000'000)});  // too late
  EXPECT_EQ(slow.said<wire::Ready>().size(), 1u);

  ScriptedAgent failed(setup);
  failed.feed(JobEndKnown{});  // before the connection is there
  failed.join();
  ASSERT_EQ(failed.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(failed.said<wire::Ready>()[0].job_ends_ms, 0);
}

TEST(AgentJobEnd, IsInTheEnvironmentOfNewerSlurms) {
  EXPECT_EQ(job_end_in({"SLURM_JOB_END_TIME=1764000000"}), from_unix_ms(1'764'000'000'000));
  for (const char* none :
       {"", "0", "-1", "x", "12x", " 5", "99999999999999999999999", "253402300800", "4294967295999"}) {
    EXPECT_FALSE(job_end_in({"SLURM_JOB_END_TIME=" + std::string(none)})) << none;
  }
  EXPECT_FALSE(job_end_in({}));
}

TEST(AgentJobEnd, TheFirstTaskOfAStepAsks) {
  wire::Hello hello;
  hello.job = "12";
  EXPECT_THAT(job_end_question(hello), ElementsAre("sh", "-c", HasSubstr("scontrol"), "sh", "12"));
  hello.task = 1;
  EXPECT_THAT(job_end_question(hello), IsEmpty());
  hello.task = 0;
  for (const char* none : {"", "x", "-1", "1 2", "--help"}) {
    hello.job = none;
    EXPECT_THAT(job_end_question(hello), IsEmpty()) << none;
  }
}

TEST(AgentJobEnd, TheAnswerSaysWhoElseMayBeThereAndWhichSlurmItIs) {
  const std::string answer = "slurm-wlm 22.05.8\nJobId=12 OverSubscribe=NO EndTime=Unknown X=";
  EXPECT_EQ(sharing_in(answer), "NO");
  EXPECT_EQ(slurm_version_in(answer), "22.05.8");
  EXPECT_EQ(sharing_in("JobId=12 EndTime=None"), "");
  EXPECT_EQ(slurm_version_in("JobId=12 EndTime=None"), "");
  EXPECT_EQ(slurm_version_in(""), "");
  auto setup = ScriptedAgent::some_setup();
  setup.asks_job_end = true;
  ScriptedAgent scene(setup);
  scene.join();
  scene.feed(JobEndKnown{std::nullopt, "OK", "22.05.8"});
  ASSERT_EQ(scene.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(scene.said<wire::Ready>()[0].sharing, "OK");
  EXPECT_EQ(scene.said<wire::Ready>()[0].slurm, "22.05.8");
}

TEST(AgentJobEnd, WhatTheEnvironmentSaysHoldsWhereThereIsNoAnswer) {
  auto setup = ScriptedAgent::some_setup();
  setup.asks_job_end = true;
  setup.job_end = from_unix_ms(1'764'000'000'000);
  ScriptedAgent failed(setup);
  failed.join();
  failed.feed(JobEndKnown{});
  ASSERT_EQ(failed.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(failed.said<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
  ScriptedAgent answered(setup);
  answered.join();
  answered.feed(JobEndKnown{from_unix_ms(1'764'000'060'000), "NO", "24.11.5"});
  ASSERT_EQ(answered.said<wire::Ready>().size(), 1u);
  EXPECT_EQ(answered.said<wire::Ready>()[0].job_ends_ms, 1'764'000'060'000)
      << "somebody has changed the time limit";
  EXPECT_EQ(answered.said<wire::Ready>()[0].slurm, "24.11.5");
}

TEST(AgentJobEnd, SlurmIsAskedInUtcAndSeesNothingOfOurs) {
  const auto environment =
      environment_for_slurm({"PATH=/bin", "TZ=Europe/Berlin", "SLURM_CONF=/etc/x",
                             "SLURM_TIME_FORMAT=relative", SWEEP_ENV_ENDPOINT "=tcp://x"});
  EXPECT_EQ(look_up(environment, "TZ"), "UTC0");
  EXPECT_EQ(look_up(environment, "SLURM_TIME_FORMAT"), "standard");
  EXPECT_EQ(look_up(environment, "PATH"), "/bin");
  EXPECT_EQ(look_up(environment, "SLURM_CONF"), "/etc/x");
  EXPECT_FALSE(look_up(environment, SWEEP_ENV_ENDPOINT));
  EXPECT_THAT(environment, Not(Contains("TZ=Europe/Berlin")));
}

std::string job_line(const std::string& end) {
  return "JobId=12 JobName=EndTime=no UserId=u(1000) RunTime=00:01:00 TimeLimit=01:00:00 "
         "StartTime=2026-11-25T02:00:00 EndTime=" +
         end + " Deadline=N/A SuspendTime=None\n";
}

TEST(AgentJobEnd, WhatScontrolPrints) {
  EXPECT_EQ(end_time_in(job_line("2026-11-25T03:00:00")).value(), from_unix_ms(1'795'575'600'000));
  EXPECT_EQ(end_time_in(job_line("2024-02-29T23:59:59")).value(), from_unix_ms(1'709'251'199'000));
  for (const char* none : {"Unknown", "None"}) {
    const auto end = end_time_in(job_line(none));
    ASSERT_TRUE(end) << none;
    EXPECT_FALSE(*end) << none;
  }
}

TEST(AgentJobEnd, WhatIsNoAnswer) {
  for (const char* wrong :
       {"", "now", "2026-11-25", "2026-11-25T03:00", "2026-13-25T03:00:00", "2026-02-29T03:00:00",
        "2026-11-25T24:00:00", "2026-11-25T03:60:00", "2026-11-25T03:00:61", "2026-11-25 03:00:00",
        "1969-12-31T23:59:59", "2026-11-25T03:00:00Z", "+026-11-25T03:00:00"}) {
    EXPECT_FALSE(end_time_in(job_line(wrong))) << wrong;
  }
  EXPECT_FALSE(end_time_in(""));
  const auto error = end_time_in("slurm_load_jobs error: Invalid job id \x1bspecified\nmore\n");
  ASSERT_FALSE(error);
  EXPECT_THAT(error.error().message, HasSubstr("Invalid job id ?specified'"));
  EXPECT_THAT(error.error().message, Not(HasSubstr("more")));
  EXPECT_LT(end_time_in(std::string(100'000, 'x')).error().message.size(), 400u);
  for (std::size_t cut = 0; cut < job_line("2026-11-25T03:00:00").size(); ++cut)
    (void)end_time_in(job_line("2026-11-25T03:00:00").substr(0, cut));
}

}  // namespace
}  // namespace sweep::agent
