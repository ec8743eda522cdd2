// sweep-agent as a process: the real binary with real benchmarks of /bin/sh, and a controller's socket in the
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

TEST_F(AgentProcess, RunsAPointToItsEndAndLeaves) {
  join(R"(echo "$CUDA_VISIBLE_DEVICES $((PORT - PORT_OFFSET)) $A"; echo oops >&2
          printf '{"x": 1}' > result.json)");
  EXPECT_EQ(peer_, agent_);
  EXPECT_THAT(agent_, EndsWith(":" + std::to_string(child_.pid)));
  wire::Lease with_variable = lease();
  with_variable.environment = {{"A", "b c"}};
  tell(with_variable);
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
  tell(wire::Settled{{"p", 1}, true});
  tell(wire::Drain{true, "over"});
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), IsEmpty());
  EXPECT_EQ(said_, "");
}

TEST_F(AgentProcess, TheSecretIsNowhereForABenchmarkToFind) {
  join(R"(env; tr '\0' '\n' < /proc/$PPID/environ)");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  const std::string all = out_ + err_;
  EXPECT_NE(all.find("MARK=here"), all.rfind("MARK=here")) << "both environments were to be seen: " << all;
  EXPECT_THAT(all, Not(HasSubstr(client_keys_.secret_key)));
  EXPECT_THAT(all.substr(0, all.rfind("MARK=here")), Not(HasSubstr(SWEEP_ENV_PREFIX)));
}

TEST_F(AgentProcess, AnOldResultFileIsNoResult) {
  put("result.json", "{}");
  join("true");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  tell(wire::Settled{{"p", 1}, false});
  tell(wire::Drain{false, "over"});
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, AResultThatIsNoFile) {
  join("mkdir result.json");
  tell(lease());
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::NoResult);
  EXPECT_THAT(end.reason, HasSubstr("Is a directory"));
}

TEST_F(AgentProcess, AFileThatWasWrittenAnewIsNotRemoved) {
  join("echo '{1}' > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  put("result.json", "{another}");  // by the next attempt, before this one is settled
  tell(wire::Settled{{"p", 1}, true});
  tell(wire::Drain{true, "over"});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(listing(), testing::ElementsAre("result.json"));
}

TEST_F(AgentProcess, ExitStatusSignalAndWhatCannotStart) {
  join(R"(echo "$MODE" >&2; case $MODE in segv) kill -SEGV $$;; *) exit 3;; esac)");
  wire::Lease one = lease();
  tell(one);
  Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.exit_code, 3);

  one.ref.attempt = 2;
  one.environment = {{"MODE", "segv"}};
  tell(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.signal, SIGSEGV);
  EXPECT_EQ(end.reason, "segv");

  one.ref.attempt = 3;
  one.workspace = path("nowhere");
  tell(one);
  end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::BenchmarkFailed);
  EXPECT_EQ(end.phase, "start");
  EXPECT_THAT(end.reason, HasSubstr("nowhere"));
}

TEST_F(AgentProcess, KillsAGrandchildThatIgnoresTerm) {
  join(R"(sh -c 'trap "" TERM; echo $$.; exec sleep 1000' & wait)", 100);
  tell(lease());
  ASSERT_TRUE(output(".\n"));
  tell(wire::Cancel{{"p", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, WhatTheFirstProcessLeavesBehindIsEndedBeforeFinished) {
  // Both hold the output open; one is in the group, one has left it.
  join(R"(mkfifo pid; setsid sh -c 'echo $$ > pid; exec sleep 1000' & read other < pid; sleep 1000 &
          echo $! $other; echo {} > result.json)");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  const std::size_t blank = out_.find(' ');
  ASSERT_NE(blank, std::string::npos) << out_;
  EXPECT_TRUE(gone(out_.substr(0, blank)));
  EXPECT_TRUE(gone(out_.substr(blank)));
}

TEST_F(AgentProcess, WhatBecomesAnOrphanWhileItsAttemptEndsIsEndedToo) {
  constexpr std::int64_t kAnHour = 3'600'000;  // no second signal comes
  join(R"(mkfifo pid; setsid sh -c 'setsid sh -c "echo \$\$ > pid; exec sleep 1000" & wait' & read inner < pid
          echo $inner)",
       kAnHour);
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  ASSERT_THAT(out_, EndsWith("\n"));
  EXPECT_TRUE(gone(out_));
}

TEST_F(AgentProcess, OfTwoAttemptsEachEndsItsOwnProcessesOnly) {
  // Orphans from the start, so that only their environment says whose they are.
  join(R"(mkfifo $POINT; (setsid sh -c 'echo $$ > $POINT; exec sleep 1000' &) ; read other < $POINT
          echo "$POINT=$other." ; test $POINT = a || exec sleep 1000)",
       10'000, true);
  wire::Lease one = lease();
  one.gpus = 1;
  one.ref.point = "b";
  one.environment = {{"POINT", "b"}};
  tell(one);
  ASSERT_TRUE(output(".\n"));
  const std::string of_b = out_.substr(2);
  out_.clear();
  one.ref.point = "a";
  one.environment = {{"POINT", "a"}};
  tell(one);
  EXPECT_EQ(outcome().kind, OutcomeKind::NoResult);
  EXPECT_THAT(out_, StartsWith("a="));
  EXPECT_TRUE(gone(out_.substr(2)));
  EXPECT_FALSE(gone(of_b));
  tell(wire::Cancel{{"b", 1}, "enough"});
  EXPECT_EQ(outcome().kind, OutcomeKind::Cancelled);
  EXPECT_TRUE(gone(of_b));
}

TEST_F(AgentProcess, ADeadlineEndsIt) {
  join("echo started; exec sleep 1000");
  wire::Lease limited = lease();
  limited.timeouts.server_ms = 50;
  tell(limited);
  const Outcome end = outcome();
  EXPECT_EQ(end.kind, OutcomeKind::TimedOut);
  EXPECT_EQ(end.phase, "server");
}

TEST_F(AgentProcess, SignalledItGivesBackWhatItHasAndLeaves) {
  join("echo $$.; exec sleep 1000");
  tell(lease());
  ASSERT_TRUE(output(".\n"));
  ::kill(child_.pid, SIGTERM);
  EXPECT_EQ(outcome().kind, OutcomeKind::Preempted);
  EXPECT_TRUE(gone(out_));
  tell(wire::Settled{lease().ref, false});
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(said_, StartsWith("sweep-agent: "));
  EXPECT_THAT(said_, HasSubstr("SIGTERM"));
  EXPECT_THAT(said_, Not(HasSubstr("acknowledged"))) << "there is nothing to worry about";
}

TEST_F(AgentProcess, ANewConnectionBringsHelloAndFinishedAgain) {
  join("echo {} > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  listen_again();
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(bulk_, "{}\n");
}

TEST_F(AgentProcess, TheWarningOfATimeLimitIsASignalToo) {
  join("echo $$.; exec sleep 1000");
  tell(lease());
  ASSERT_TRUE(output(".\n"));
  ::kill(child_.pid, SIGUSR1);
  EXPECT_EQ(outcome().kind, OutcomeKind::Preempted);
  EXPECT_TRUE(await<wire::Goodbye>());
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(said_, HasSubstr("SIGUSR1"));
}

TEST_F(AgentProcess, WhatAnAgentThatIsKilledHadIsHandedInByTheNext) {
  join("echo {} > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(spooled().size(), 1u);
  const std::string first = agent_;
  ::kill(child_.pid, SIGKILL);
  run_until(loop_, [&] { return status_.has_value(); });
  loop_.unwatch(said_end_.get());
  status_.reset();

  start({"--", "false"}, environment(client_keys_.secret_key));
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  const auto finished = await<wire::Finished>();
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->of, first);
  EXPECT_EQ(finished->outcome.kind, OutcomeKind::Ok);
  EXPECT_EQ(bulk_, "{}\n");
  tell(wire::Drain{true, "over"});
  tell(wire::Settled{{"p", 1}, true});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(spooled(""), IsEmpty());
}

TEST_F(AgentProcess, ASettledEndLeavesTheSpoolAndOneThatIsNotIsNamedAtTheEnd) {
  join("echo {} > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  tell(wire::Settled{{"p", 1}, true});
  wire::Lease second = lease();
  second.ref.attempt = 2;
  tell(second);
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_EQ(spooled().size(), 1u);
  ::kill(child_.pid, SIGTERM);
  EXPECT_EQ(exit_status(), 1);
  run_until(loop_, [&] { return said_.find("next agent") != std::string::npos; });
  EXPECT_THAT(said_, HasSubstr("how 1 attempt ended"));
  EXPECT_THAT(said_, HasSubstr(node_local_));
  EXPECT_EQ(spooled().size(), 1u);
}

TEST_F(AgentProcess, WithoutASpoolItGoesOnAndSaysSoOnce) {
  put("file", "");
  std::filesystem::remove(std::exchange(node_local_, path("file")));
  join("echo {} > result.json");
  tell(lease());
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  tell(wire::Settled{{"p", 1}, true});
  tell(wire::Drain{true, "over"});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_THAT(said_, HasSubstr(node_local_));
  EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 1);
}

TEST_F(AgentProcess, WhatABenchmarkPrintsWithoutAControllerComesLater) {
  join("echo before.; read go < go; echo while away.; echo {} > result.json");
  ASSERT_EQ(::mkfifo(path("go").c_str(), 0600), 0);
  tell(lease());
  ASSERT_TRUE(output("before.\n"));
  loop_ = EventLoop();
  controller_.reset();
  watch_agent();
  // The FIFO opens when the benchmark reads; it ends while nobody listens.
  const Fd go(::open(path("go").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(::write(go.get(), "\n", 1), 1);
  ASSERT_TRUE(run_until_spooled());
  listen(endpoint_);
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  EXPECT_EQ(outcome().kind, OutcomeKind::Ok);
  EXPECT_THAT(out_, EndsWith("while away.\n"));
}

TEST_F(AgentProcess, InAStepOfSlurmItAsksWhenTheJobEnds) {
  put("scontrol", "#!/bin/sh\necho \"JobId=$4 TZ=$TZ EndTime=2026-11-25T03:00:00 X=\"\n");
  listen();
  auto env = environment(client_keys_.secret_key);
  env[0] = "PATH=" + folder_ + ":/usr/bin:/bin";
  for (const char* entry : {"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "TZ=Asia/Tokyo"})
    env.emplace_back(entry);
  start({"--", "true"}, env);
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  const auto ready = await<wire::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->job_ends_ms, 1'795'575'600'000);
  EXPECT_EQ(said_, "");
}

TEST_F(AgentProcess, WhatSlurmDoesNotSayIsNotWaitedFor) {
  put("scontrol", "#!/bin/sh\necho slurm_load_jobs error: Invalid job id specified >&2; exit 1\n");
  listen();
  auto env = environment(client_keys_.secret_key);
  env[0] = "PATH=" + folder_ + ":/usr/bin:/bin";
  for (const char* entry : {"SLURM_JOB_ID=12", "SLURM_STEP_ID=0", "SLURM_PROCID=0"})
    env.emplace_back(entry);
  start({"--", "true"}, env);
  ASSERT_TRUE(await<wire::Hello>());
  tell(wire::Welcome{"s", false, 1'000, 0});
  const auto ready = await<wire::Ready>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->job_ends_ms, 0);
  run_until(loop_, [&] { return said_.find('\n') != std::string::npos; });
  EXPECT_THAT(said_, HasSubstr("Invalid job id"));
}

TEST_F(AgentProcess, SaysWhoItIsOrWhyItCannot) {
  listen();
  start({"--", "true"}, environment(client_keys_.secret_key));
  const auto hello = await<wire::Hello>();
  ASSERT_TRUE(hello);
  EXPECT_NE(hello->credential.empty(), hello->no_credential.empty());
}

TEST_F(AgentProcess, SaysSoWhenTheControllerDoesNotKnowItsKey) {
  listen();
  start({}, environment(make_key_pair().secret_key));
  EXPECT_EQ(exit_status(), 1);
  EXPECT_THAT(said_, StartsWith("sweep-agent: the controller at " + endpoint_ + " does not know"));
}

TEST_F(AgentProcess, SaysWhatIsMissingOrWrong) {
  start({"--", "true"}, {"PATH=/usr/bin:/bin", SWEEP_ENV_ENDPOINT "=tcp://127.0.0.1:1"});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(said_, StartsWith("sweep-agent: "));
  EXPECT_THAT(said_, HasSubstr(SWEEP_ENV_SERVER_KEY));
  EXPECT_THAT(said_, HasSubstr(SWEEP_ENV_CLIENT_SECRET));
  EXPECT_EQ(std::count(said_.begin(), said_.end(), '\n'), 1);
}

TEST_F(AgentProcess, AnArgumentThatIsNone) {
  start({"true"}, {});
  EXPECT_EQ(exit_status(), 2);
  EXPECT_THAT(said_, HasSubstr("'true'"));
}

TEST_F(AgentProcess, HelpAndVersion) {
  start({"--version"}, {});
  EXPECT_EQ(exit_status(), 0);
  EXPECT_EQ(said_, "sweep-agent " SWEEP_VERSION "\n");
}

}  // namespace
}  // namespace sweep
