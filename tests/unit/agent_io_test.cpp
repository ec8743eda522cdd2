// sweep-agent as a process: the real binary with real /bin/sh benchmarks, and a controller's socket in the
// test.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <utility>

#include "tests/unit/agent_process.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST_F(AgentProcess, RunsAPointAndExitsWhenDrained) {
  join(R"(echo "$CUDA_VISIBLE_DEVICES $((PORT - PORT_OFFSET)) $A"; echo oops >&2
          printf '{"x": 1}' > result.json)");
  EXPECT_EQ(peer_, agent_);
  EXPECT_THAT(agent_, EndsWith(":" + std::to_string(child_.pid)));
  wire::Lease with_variable = lease();
  with_variable.environment = {{"A", "b c"}};
  send(with_variable);
  const auto started = await<wire::Started>();
  ASSERT_TRUE(started);
  EXPECT_GT(started->pid, 0);
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->outcome.kind, OutcomeKind::Ok) << describe(finished->outcome);
  EXPECT_EQ(bulk_, R"({"x": 1})");
  EXPECT_EQ(out_, "0,1 8888 b c\n");
  EXPECT_EQ(err_, "oops\n");
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
  send(wire::Settled{{"p", 1}, true});
  send(wire::Drain{true, "over"});
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), IsEmpty());
  EXPECT_EQ(printed_, "");
}

TEST_F(AgentProcess, BenchmarkCannotFindTheSecret) {
  join(R"(env; tr '\0' '\n' < /proc/$PPID/environ)");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  const std::string all = out_ + err_;
  EXPECT_NE(all.find("MARK=here"), all.rfind("MARK=here"))
      << "both environments should have been printed: " << all;
  EXPECT_THAT(all, Not(HasSubstr(client_keys_.secret_key)));
  EXPECT_THAT(all.substr(0, all.rfind("MARK=here")), Not(HasSubstr(SWEEP_ENV_PREFIX)));
}

TEST_F(AgentProcess, OldResultFileIsNoResult) {
  put("result.json", "{}");
  join("true");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  send(wire::Settled{{"p", 1}, false});
  send(wire::Drain{false, "over"});
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, ResultThatIsNotAFileIsNoResult) {
  join("mkdir result.json");
  send(lease());
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::NoResult);
  EXPECT_THAT(end.reason, HasSubstr("Is a directory"));
}

TEST_F(AgentProcess, RewrittenResultFileIsNotRemoved) {
  join("echo '{1}' > result.json");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  put("result.json", "{another}");  // by the next attempt, before this one is settled
  send(wire::Settled{{"p", 1}, true});
  send(wire::Drain{true, "over"});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, ReportsExitStatusSignalAndStartFailure) {
  join(R"(echo "$MODE" >&2; case $MODE in segv) kill -SEGV $$;; *) exit 3;; esac)");
  wire::Lease one = lease();
  send(one);
  Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.exit_code, 3);

  one.ref.attempt = 2;
  one.environment = {{"MODE", "segv"}};
  send(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.reason, "segv");

  one.ref.attempt = 3;
  one.workspace = path("nowhere");
  send(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.phase, "start");
  EXPECT_THAT(end.reason, HasSubstr("nowhere"));
}

TEST_F(AgentProcess, KillsGrandchildThatIgnoresSigterm) {
  join(R"(sh -c 'trap "" TERM; echo $$.; exec sleep 1000' & wait)", 100);
  send(lease());
  ASSERT_TRUE(output(".\n"));
  send(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, ProcessesLeftByTheFirstOneEndBeforeFinished) {
  // Both processes hold the output open; one is in the group, the other has left it.
  join(R"(mkfifo pid; setsid sh -c 'echo $$ > pid; exec sleep 1000' & read other < pid; sleep 1000 &
          echo $! $other; echo {} > result.json)");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  const std::size_t blank = out_.find(' ');
  ASSERT_NE(blank, std::string::npos) << out_;
  EXPECT_TRUE(gone(out_.substr(0, blank)));
  EXPECT_TRUE(gone(out_.substr(blank)));
}

TEST_F(AgentProcess, ProcessOrphanedWhileItsAttemptEndsIsKilled) {
  constexpr std::int64_t kAnHour = 3'600'000;  // no second signal may be sent
  join(R"(mkfifo pid; setsid sh -c 'setsid sh -c "echo \$\$ > pid; exec sleep 1000" & wait' & read inner < pid
          echo $inner)",
       kAnHour);
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  ASSERT_THAT(out_, EndsWith("\n"));
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, EachAttemptKillsOnlyItsOwnProcesses) {
  // They are orphans from the start, so only their environment shows to which attempt they belong.
  join(R"(mkfifo $POINT; (setsid sh -c 'echo $$ > $POINT; exec sleep 1000' &) ; read other < $POINT
          echo "$POINT=$other." ; test $POINT = a || exec sleep 1000)",
       10'000, true);
  wire::Lease one = lease();
  one.gpus = 1;
  one.ref.point = "b";
  one.environment = {{"POINT", "b"}};
  send(one);
  ASSERT_TRUE(output(".\n"));
  const std::string of_b = out_.substr(2);
  out_.clear();
  one.ref.point = "a";
  one.environment = {{"POINT", "a"}};
  send(one);
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(out_, StartsWith("a="));
  EXPECT_TRUE(gone(out_.substr(2)));
  EXPECT_FALSE(gone(of_b));
  send(wire::Cancel{{"b", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(of_b));
}

TEST_F(AgentProcess, TimeLimitEndsTheBenchmark) {
  join("echo started; exec sleep 1000");
  wire::Lease limited = lease();
  limited.timeouts.benchmark_ms = 50;
  send(limited);
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(end.phase, "benchmark");
}

TEST_F(AgentProcess, SignalPreemptsAttemptsAndEndsTheAgent) {
  join("echo $$.; exec sleep 1000");
  send(lease());
  ASSERT_TRUE(output(".\n"));
  ::kill(child_.pid, SIGTERM);
  EXPECT_EQ(outcome().kind, OutcomeKind::Preempted);
  EXPECT_TRUE(gone(out_));
  send(wire::Settled{lease().ref, false});
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(printed_, StartsWith("sweep-agent: "));
  EXPECT_THAT(printed_, HasSubstr("SIGTERM"));
  EXPECT_THAT(printed_, Not(HasSubstr("acknowledged"))) << "there must be no warning";
}

TEST_F(AgentProcess, NewConnectionGetsHelloAndFinishedAgain) {
  join("echo {} > result.json");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  listen_again();
  ASSERT_TRUE(await<wire::Hello>());
  send(wire::Welcome{"s", false, 1'000, 0});
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(bulk_, "{}\n");
}

TEST_F(AgentProcess, TimeLimitWarningPreemptsAttempts) {
  join("echo $$.; exec sleep 1000");
  send(lease());
  ASSERT_TRUE(output(".\n"));
  ::kill(child_.pid, SIGUSR1);
  EXPECT_EQ(outcome().kind, OutcomeKind::Preempted);
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(printed_, HasSubstr("SIGUSR1"));
}

TEST_F(AgentProcess, NextAgentDeliversTheResultsOfAKilledOne) {
  join("echo {} > result.json");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(spooled().size(), 1u);
  const std::string first = agent_;
  ::kill(child_.pid, SIGKILL);
  run_until(loop_, [&] { return status_.has_value(); });
  loop_.unwatch(stderr_end_.get());
  status_.reset();

  start({"--", "false"}, environment(client_keys_.secret_key));
  ASSERT_TRUE(await<wire::Hello>());
  send(wire::Welcome{"s", false, 1'000, 0});
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->of, first);
  EXPECT_EQ(finished->outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(bulk_, "{}\n");
  send(wire::Drain{true, "over"});
  send(wire::Settled{{"p", 1}, true});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(spooled(""), IsEmpty());
}

TEST_F(AgentProcess, SettledResultLeavesTheSpoolAndUnsettledOneIsReported) {
  join("echo {} > result.json");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  send(wire::Settled{{"p", 1}, true});
  wire::Lease second = lease();
  second.ref.attempt = 2;
  send(second);
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(spooled().size(), 1u);
  ::kill(child_.pid, SIGTERM);
  EXPECT_EQ(exit_status(), 1);
  run_until(loop_, [&] { return printed_.find("next agent") != std::string::npos; });
  EXPECT_THAT(printed_, HasSubstr("has not acknowledged the outcome of 1 attempt"));
  EXPECT_THAT(printed_, HasSubstr(node_local_));
  EXPECT_EQ(spooled().size(), 1u);
}

TEST_F(AgentProcess, WithoutASpoolTheAgentWorksAndWarnsOnce) {
  put("file", "");
  std::filesystem::remove(std::exchange(node_local_, path("file")));
  join("echo {} > result.json");
  send(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  send(wire::Settled{{"p", 1}, true});
  send(wire::Drain{true, "over"});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(printed_, HasSubstr(node_local_));
  EXPECT_EQ(std::count(printed_.begin(), printed_.end(), '\n'), 1);
}

TEST_F(AgentProcess, OutputWithoutAControllerIsSentLater) {
  join("echo before.; read go < go; echo while away.; echo {} > result.json");
  ASSERT_EQ(::mkfifo(path("go").c_str(), 0600), 0);
  send(lease());
  ASSERT_TRUE(output("before.\n"));
  loop_ = EventLoop();
  controller_.reset();
  watch_agent();
  // Opening the FIFO blocks until the benchmark reads it; the benchmark ends while no controller listens.
  const Fd go(::open(path("go").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::write(go.get(), "\n", 1), 1);
  ASSERT_TRUE(run_until_spooled());
  listen(endpoint_);
  ASSERT_TRUE(await<wire::Hello>());
  send(wire::Welcome{"s", false, 1'000, 0});
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_THAT(out_, EndsWith("while away.\n"));
}

TEST_F(AgentProcess, AsksSlurmWhenTheJobEnds) {
  put("scontrol", "#!/bin/sh\necho \"JobId=$4 TZ=$TZ EndTime=2026-11-25T03:00:00 X=\"\n");
  listen();
  auto env = environment(client_keys_.secret_key);
  env[0] = "PATH=" + folder_ + ":/usr/bin:/bin";
  for (const char* entry : {"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "TZ=Asia/Tokyo"})
    env.emplace_back(entry);
  start({"--", "true"}, env);
  ASSERT_TRUE(await<wire::Hello>());
  send(wire::Welcome{"s", false, 1'000, 0});
  const auto ready = await<wire::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->job_ends_ms, 1'795'575'600'000);
  EXPECT_EQ(printed_, "");
}

TEST_F(AgentProcess, StopsWaitingForASilentSlurm) {
  put("scontrol", "#!/bin/sh\necho slurm_load_jobs error: Invalid job id specified >&2; exit 1\n");
  listen();
  auto env = environment(client_keys_.secret_key);
  env[0] = "PATH=" + folder_ + ":/usr/bin:/bin";
  for (const char* entry : {"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=0"})
    env.emplace_back(entry);
  start({"--", "true"}, env);
  ASSERT_TRUE(await<wire::Hello>());
  send(wire::Welcome{"s", false, 1'000, 0});
  const auto ready = await<wire::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->job_ends_ms, 0);
  run_until(loop_, [&] { return printed_.find('\n') != std::string::npos; });
  EXPECT_THAT(printed_, HasSubstr("Invalid job id"));
}

TEST_F(AgentProcess, HelloHasACredentialOrTheReasonForNone) {
  listen();
  start({"--", "true"}, environment(client_keys_.secret_key));
  const auto hello = await<wire::Hello>();
  ASSERT_TRUE(hello);
  EXPECT_NE(hello->credential.empty(), hello->no_credential.empty());
}

TEST_F(AgentProcess, ReportsThatTheControllerDoesNotAcceptItsKey) {
  listen();
  start({}, environment(make_key_pair().secret_key));
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(printed_, StartsWith("sweep-agent: the controller at " + endpoint_ + " does not accept"));
}

TEST_F(AgentProcess, ReportsMissingOrInvalidAccess) {
  start({"--", "true"}, {"PATH=/usr/bin:/bin", SWEEP_ENV_ENDPOINT "=tcp://127.0.0.1:1"});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(printed_, StartsWith("sweep-agent: "));
  EXPECT_THAT(printed_, HasSubstr(SWEEP_ENV_SERVER_KEY));
  EXPECT_THAT(printed_, HasSubstr(SWEEP_ENV_CLIENT_SECRET));
  EXPECT_EQ(std::count(printed_.begin(), printed_.end(), '\n'), 1);
}

TEST_F(AgentProcess, RejectsUnknownArguments) {
  start({"true"}, {});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(printed_, HasSubstr("'true'"));
}

TEST_F(AgentProcess, PrintsHelpAndVersion) {
  start({"--version"}, {});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(printed_, "sweep-agent " SWEEP_VERSION "\n");
}

}  // namespace
}  // namespace sweep
