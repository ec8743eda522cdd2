// agent/core: an agent that was frozen; warning signals; the end of the job.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "agent/core/attempt_limits.hpp"
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

TEST(AgentLimits, PointIsNamedIfItsLimitPassesTogetherWithAnother) {
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts.point_ms = lease.timeouts.benchmark_ms = 1'000;
  AttemptTimes times;
  times.started_at = Instant(Millis(5'000));
  const auto limit = limit_while_running(lease, ServerOf::Nobody, times);
  ASSERT_TRUE(limit);
  EXPECT_EQ(limit->at, Instant(Millis(6'000)));
  EXPECT_THAT(limit->reason, HasSubstr("the point did not end"));
}

TEST(AgentFrozen, ManyPassedDeadlinesTakeOneStepEach) {
  ScriptedAgent agent;
  agent.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts = {1'000, 1'000, 60'000};
  agent.receive(lease);
  agent.start("p");
  agent.now += kFrozen;
  agent.feed(Output{{"p", 1}, false, " 10%|#         | 1/10 ["});
  agent.feed(Tick{});
  ASSERT_EQ(agent.signals.size(), 1u);
  EXPECT_FALSE(agent.signals[0].kill) << "without its grace time";
  EXPECT_FALSE(agent.exited);
  agent.pass(Millis(4'999));
  EXPECT_EQ(agent.signals.size(), 1u);
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::TimedOut);
}

TEST(AgentFrozen, IdleAgentSendsOneHeartbeat) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.now += kFrozen;
  agent.feed(Tick{});
  EXPECT_EQ(agent.messages<wire::Heartbeat>().size(), 1u);
  EXPECT_THAT(agent.signals, IsEmpty());
}

TEST(AgentFrozen, BenchmarkThatEndedMeanwhileKeepsItsOwnOutcome) {
  ScriptedAgent agent;
  agent.join();
  wire::Lease lease = ScriptedAgent::lease("p");
  lease.timeouts.point_ms = 60'000;
  agent.receive(lease);
  agent.start("p");
  agent.leave_result("p", "{}");
  agent.now += kFrozen;
  agent.feed(LeaderExited{{"p", 1}, {0, {}}});  // the driver handles signals first
  agent.feed(GroupGone{{"p", 1}});
  agent.feed(Tick{});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Ok);
  // Another agent has got the lease and its result counts: the controller settles this one as not accepted.
  agent.receive(wire::Settled{{"p", 1}, false});
  EXPECT_EQ(agent.dropped.size(), 1u);
  EXPECT_THAT(agent.removed, IsEmpty());
}

TEST(AgentFrozen, ConnectionThatWasCutMeanwhileIsRestored) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.now += kFrozen;
  agent.disconnect();
  agent.feed(Tick{});
  EXPECT_FALSE(agent.exited);
  EXPECT_THAT(agent.signals, IsEmpty());
  agent.join();
  EXPECT_EQ(agent.messages<wire::Progress>().back().ref.point, "p");
  agent.receive(wire::Cancel{{"p", 1}, "another agent has it"});
  agent.exit("p", {{}, SIGTERM});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Cancelled);
}

TEST(AgentFrozen, SigkillAfterAFreezeGetsTimeToWork) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  agent.now += kFrozen;
  agent.feed(Tick{});
  ASSERT_EQ(agent.signals.size(), 2u);
  EXPECT_TRUE(agent.signals[1].kill);
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty()) << "before the processes could end";
}

// ---- signals

TEST(AgentSignal, TimeLimitWarningPreempts) {
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    ScriptedAgent agent;
    agent.join();
    agent.lease_and_start("p");
    agent.feed(Signalled{signal});
    agent.exit("p", {{}, SIGTERM});
    EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
    EXPECT_EQ(agent.outcome().reason, signal == SIGUSR1 ? "warned by SIGUSR1" : "warned by SIGUSR2");
    agent.receive(wire::Settled{{"p", 1}, false});
    EXPECT_EQ(agent.messages<wire::Goodbye>().size(), 1u);
    EXPECT_TRUE(agent.exited);
  }
}

TEST(AgentSignal, ReasonNamesTheJobsEnd) {
  const auto reason = [](int signal, Millis before_the_end) {
    auto setup = ScriptedAgent::default_setup();
    setup.job_end = ScriptedAgent().now + before_the_end;
    ScriptedAgent agent(setup);
    agent.join();
    agent.lease_and_start("p");
    agent.feed(Signalled{signal});
    agent.exit("p", {{}, SIGTERM});
    return agent.outcome().reason;
  };
  EXPECT_EQ(reason(SIGUSR1, Millis(90'500)), "warned by SIGUSR1: the job ends in 90 s");
  EXPECT_EQ(reason(SIGTERM, Millis(0)), "stopped by SIGTERM: the job reached its time limit");
  EXPECT_EQ(reason(SIGTERM, Millis(90'000)), "stopped by SIGTERM");
}

TEST(AgentSignal, BenchmarkThatTheWarningReachedFirstIsPreempted) {
  ScriptedAgent agent;
  agent.join();
  agent.lease_and_start("p");
  agent.exit("p", {{}, SIGUSR1});
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty());
  agent.feed(Signalled{SIGUSR1});
  EXPECT_EQ(agent.outcome().kind, OutcomeKind::Preempted);
}

TEST(AgentKill, SecondReasonDoesNotShortenTheTimeAfterSigkill) {
  ScriptedAgent agent;
  agent.connect();
  agent.welcome(false, 0);  // no grace time: SIGKILL at once
  agent.lease_and_start("p");
  agent.feed(Signalled{SIGTERM});
  ASSERT_EQ(agent.signals.size(), 1u);
  agent.receive(wire::Cancel{{"p", 1}, "enough"});
  agent.pass(Millis(1));
  EXPECT_THAT(agent.messages<wire::Finished>(), IsEmpty()) << "it is ending";
}

// ---- the end of the job

TEST(AgentJobEnd, ReadyReportsIt) {
  auto setup = ScriptedAgent::default_setup();
  setup.job_end = from_unix_ms(1'764'000'000'000);
  ScriptedAgent agent(setup);
  agent.join();
  ASSERT_EQ(agent.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
}

TEST(AgentJobEnd, ReadyWaitsForTheAnswerUntilTheLimit) {
  auto setup = ScriptedAgent::default_setup();
  setup.asks_job_end = true;
  ScriptedAgent agent(setup);
  agent.join();
  agent.pass(Millis(9'999));
  EXPECT_THAT(agent.messages<wire::Ready>(), IsEmpty());
  agent.feed(JobEndKnown{from_unix_ms(1'764'000'000'000)});
  ASSERT_EQ(agent.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
  agent.disconnect();
  agent.join();
  EXPECT_EQ(agent.messages<wire::Ready>().back().job_ends_ms, 1'764'000'000'000);

  ScriptedAgent slow(setup);
  slow.join();
  slow.pass(Millis(10'000));
  ASSERT_EQ(slow.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(slow.messages<wire::Ready>()[0].job_ends_ms, 0);
  slow.feed(JobEndKnown{from_unix_ms(1'764'000'000'000)});  // too late
  EXPECT_EQ(slow.messages<wire::Ready>().size(), 1u);

  ScriptedAgent failed(setup);
  failed.feed(JobEndKnown{});  // before the connection is established
  failed.join();
  ASSERT_EQ(failed.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(failed.messages<wire::Ready>()[0].job_ends_ms, 0);
}

TEST(AgentJobEnd, IsReadFromTheEnvironment) {
  EXPECT_EQ(job_end_from({"SLURM_JOB_END_TIME=1764000000"}), from_unix_ms(1'764'000'000'000));
  for (const char* none :
       {"", "0", "-1", "x", "12x", " 5", "99999999999999999999999", "253402300800", "4294967295999"}) {
    EXPECT_FALSE(job_end_from({"SLURM_JOB_END_TIME=" + std::string(none)})) << none;
  }
  EXPECT_FALSE(job_end_from({}));
}

TEST(AgentJobEnd, OnlyTheFirstTaskOfAStepAsks) {
  wire::Hello hello;
  hello.job = "12";
  EXPECT_THAT(job_end_command(hello), ElementsAre("sh", "-c", HasSubstr("scontrol"), "sh", "12"));
  hello.task = 1;
  EXPECT_THAT(job_end_command(hello), IsEmpty());
  hello.task = 0;
  for (const char* none : {"", "x", "-1", "1 2", "--help"}) {
    hello.job = none;
    EXPECT_THAT(job_end_command(hello), IsEmpty()) << none;
  }
}

TEST(AgentJobEnd, AnswerHasSharingAndSlurmVersion) {
  const std::string answer = "slurm-wlm 22.05.8\nJobId=12 OverSubscribe=NO EndTime=Unknown X=";
  EXPECT_EQ(parse_sharing(answer), "NO");
  EXPECT_EQ(parse_slurm_version(answer), "22.05.8");
  EXPECT_EQ(parse_sharing("JobId=12 EndTime=None"), "");
  EXPECT_EQ(parse_slurm_version("JobId=12 EndTime=None"), "");
  EXPECT_EQ(parse_slurm_version(""), "");
  auto setup = ScriptedAgent::default_setup();
  setup.asks_job_end = true;
  ScriptedAgent agent(setup);
  agent.join();
  agent.feed(JobEndKnown{std::nullopt, "OK", "22.05.8"});
  ASSERT_EQ(agent.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(agent.messages<wire::Ready>()[0].sharing, "OK");
  EXPECT_EQ(agent.messages<wire::Ready>()[0].slurm, "22.05.8");
}

TEST(AgentJobEnd, EnvironmentCountsIfThereIsNoAnswer) {
  auto setup = ScriptedAgent::default_setup();
  setup.asks_job_end = true;
  setup.job_end = from_unix_ms(1'764'000'000'000);
  ScriptedAgent failed(setup);
  failed.join();
  failed.feed(JobEndKnown{});
  ASSERT_EQ(failed.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(failed.messages<wire::Ready>()[0].job_ends_ms, 1'764'000'000'000);
  ScriptedAgent answered(setup);
  answered.join();
  answered.feed(JobEndKnown{from_unix_ms(1'764'000'060'000), "NO", "24.11.5"});
  ASSERT_EQ(answered.messages<wire::Ready>().size(), 1u);
  EXPECT_EQ(answered.messages<wire::Ready>()[0].job_ends_ms, 1'764'000'060'000)
      << "an administrator changed the time limit";
  EXPECT_EQ(answered.messages<wire::Ready>()[0].slurm, "24.11.5");
}

TEST(AgentJobEnd, SlurmCommandUsesUtcAndGetsNoInternalVariables) {
  const auto environment = slurm_environment({"PATH=/bin", "TZ=Europe/Berlin", "SLURM_CONF=/etc/x",
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

TEST(AgentJobEnd, ScontrolOutputIsParsed) {
  EXPECT_EQ(parse_end_time(job_line("2026-11-25T03:00:00")).value(), from_unix_ms(1'795'575'600'000));
  EXPECT_EQ(parse_end_time(job_line("2024-02-29T23:59:59")).value(), from_unix_ms(1'709'251'199'000));
  for (const char* none : {"Unknown", "None"}) {
    const auto end = parse_end_time(job_line(none));
    ASSERT_TRUE(end) << none;
    EXPECT_FALSE(*end) << none;
  }
}

TEST(AgentJobEnd, InvalidOutputIsRejected) {
  for (const char* wrong :
       {"", "now", "2026-11-25", "2026-11-25T03:00", "2026-13-25T03:00:00", "2026-02-29T03:00:00",
        "2026-11-25T24:00:00", "2026-11-25T03:60:00", "2026-11-25T03:00:61", "2026-11-25 03:00:00",
        "1969-12-31T23:59:59", "2026-11-25T03:00:00Z", "+026-11-25T03:00:00"}) {
    EXPECT_FALSE(parse_end_time(job_line(wrong))) << wrong;
  }
  EXPECT_FALSE(parse_end_time(""));
  const auto error = parse_end_time("slurm_load_jobs error: Invalid job id \x1bspecified\nmore\n");
  ASSERT_FALSE(error);
  EXPECT_THAT(error.error().message, HasSubstr("Invalid job id ?specified'"));
  EXPECT_THAT(error.error().message, Not(HasSubstr("more")));
  EXPECT_THAT(parse_end_time("slurm-wlm 22.05.8\nscontrol: error: Socket timed out\n").error().message,
              HasSubstr("no EndTime: 'scontrol: error: Socket timed out'"));
  EXPECT_EQ(parse_end_time("slurm-wlm 22.05.8\n").error().message, "scontrol printed nothing");
  EXPECT_LT(parse_end_time(std::string(100'000, 'x')).error().message.size(), 400u);
  for (std::size_t cut = 0; cut < job_line("2026-11-25T03:00:00").size(); ++cut)
    (void)parse_end_time(job_line("2026-11-25T03:00:00").substr(0, cut));
}

}  // namespace
}  // namespace sweep::agent
