// sweepctl serve under its supervisor, as the plugin starts it: which failures it survives, and what ends it.
#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/process/supervised.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

TEST_F(Supervised, KilledControllerIsRestartedWithSamePortAndKeysAndAgentsContinue) {
  start_agent();
  const ControlFile before = control();
  kill_controller();
  ASSERT_TRUE(serve_->wait_for_error("the controller died (SIGKILL) and was restarted in ")) << serve_->err();
  EXPECT_TRUE(serve_->wait_for_error("1 of 2 points done, 1 running")) << serve_->err();
  const ControlFile after = control();
  EXPECT_NE(after.pid, before.pid);
  EXPECT_EQ(after.endpoint, before.endpoint);
  EXPECT_EQ(after.server_key, before.server_key);
  EXPECT_EQ(after.client_secret, before.client_secret);
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "a point was run again";
  EXPECT_TRUE(complete());
}

TEST_F(Supervised, FiveDeathsWithinAMinuteEndItWithTheRemedy) {
  for (int death = 1; death < 5; ++death) {
    kill_controller();
    ASSERT_TRUE(serve_->wait_for_error(" and was restarted in ", death)) << serve_->err();
  }
  kill_controller();
  ASSERT_TRUE(serve_->wait_for_error("for the agents to stop their benchmarks and leave")) << serve_->err();
  srun_end_.reset();
  EXPECT_EQ(serve_->finish(), 128 + SIGKILL);
  EXPECT_NE(serve_->err().find(
                "the controller died 5 times within 60 s (last cause: SIGKILL) and is not restarted; "
                "acknowledged results are in '" +
                path("out") + "'; to continue, use --sweep-resume --sweep-output=" + path("out")),
            std::string::npos)
      << serve_->err();
  // The remedy works.
  write("good.sh", kGoodBenchmark, true);
  Program resume(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--resume", "--output", "out",
                              "--", "./good.sh"});
  EXPECT_EQ(resume.finish(), 0) << resume.err();
  EXPECT_TRUE(complete());
}

// Without an answer agents would look for a controller for ten minutes, and srun and the nodes would wait.
TEST_F(Supervised, AgentsLeaveWithinSecondsOnceNoControllerIsRestarted) {
  start_agent();
  for (int death = 1; death < 5; ++death) {
    kill_controller();
    ASSERT_TRUE(serve_->wait_for_error(" and was restarted in ", death)) << serve_->err();
  }
  kill_controller();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_NE(agent_->err().find("rejected this agent: the sweep's controller has ended (SIGKILL) and is not "
                               "restarted; acknowledged results are in '" +
                               path("out")),
            std::string::npos)
      << agent_->err();
  srun_end_.reset();
  EXPECT_EQ(serve_->finish(), 128 + SIGKILL) << serve_->err();
}

TEST_F(Supervised, ControllerWhoseEventLoopDoesNotTurnIsReplaced) {
  start_agent();
  ASSERT_EQ(::kill(static_cast<pid_t>(control().pid), SIGSTOP), 0);
  const std::string died = "the controller died (its event loop did not turn for 30 s, so it was killed)";
  // It takes longer than a test waits for one event.
  ASSERT_TRUE(serve_->wait_for_error(died) || serve_->wait_for_error(died)) << serve_->err();
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "a point was run again";
  EXPECT_TRUE(complete());
}

/// The supervisor's parent is a stand-in for srun.
class UnderSrun : public Supervised {
 protected:
  UnderSrun() : Supervised("10m", "trap 'echo srun got SIGTERM >&2' TERM", "& wait; wait") {}
};

TEST_F(UnderSrun, AgentThatIsStoppedIsEndedThroughSrun) {
  start_agent();
  agent_->signal(SIGSTOP);
  Program cancel(directory_, {"sweepctl", "cancel", "out"});
  EXPECT_EQ(cancel.finish(), 0) << cancel.err();
  EXPECT_TRUE(serve_->wait_for_error(" s for 1 agent to leave")) << serve_->err();
  ASSERT_TRUE(serve_->wait_for_error("1 agent did not leave after the end of the sweep")) << serve_->err();
  EXPECT_TRUE(serve_->wait_for_error("srun got SIGTERM")) << serve_->err();
  srun_end_.reset();
  serve_->finish();
  EXPECT_TRUE(exists("out/summary.txt")) << "files are written before agents are waited for";
}

TEST_F(UnderSrun, SrunIsNotSignalledIfItsAgentsHaveLeft) {
  start_agent();
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  serve_->finish();
  EXPECT_EQ(serve_->err().find("SIGTERM"), std::string::npos) << serve_->err();
}

TEST_F(Supervised, ControllerThatCannotTakeOverIsRestartedUntilItCan) {
  start_agent();
  const auto pid = static_cast<pid_t>(control().pid);
  std::filesystem::rename(path("out"), path("away"));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(
      serve_->wait_for_error("the controller died (SIGKILL) and cannot be restarted: '" + path("out") + "'"))
      << serve_->err();
  std::filesystem::rename(path("away"), path("out"));
  ASSERT_TRUE(serve_->wait_for_error(" and was restarted in ")) << serve_->err();
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "a point was run again";
  EXPECT_TRUE(complete());
}

TEST_F(Supervised, ControllerIsNotRestartedOnceSrunHasEnded) {
  const auto pid = static_cast<pid_t>(control().pid);
  std::filesystem::rename(path("out"), path("away"));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(serve_->wait_for_error(" and cannot be restarted: ")) << serve_->err();
  srun_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
}

TEST_F(Supervised, SignalIsForwardedAndIsNotADeath) {
  start_agent();
  serve_->signal(SIGTERM);
  EXPECT_TRUE(serve_->wait_for_error("stopping: received SIGTERM")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(serve_->err().find("died"), std::string::npos) << serve_->err();
  EXPECT_FALSE(complete());
  EXPECT_FALSE(exists("out/sweep.control")) << "a secret was left behind";
}

TEST_F(Supervised, InterruptAfterARestartIsForwarded) {
  start_agent();
  kill_controller();
  ASSERT_TRUE(serve_->wait_for_error(" and was restarted in ")) << serve_->err();
  serve_->signal(SIGINT);
  EXPECT_TRUE(serve_->wait_for_error("stopping: received SIGINT (Ctrl-C)")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
}

TEST_F(Supervised, EndOfSrunEndsTheSweep) {
  srun_end_.reset();
  EXPECT_TRUE(serve_->wait_for_error("stopping: srun has ended")) << serve_->err();
  EXPECT_EQ(serve_->finish(), 1) << "no agent has joined: " << serve_->err();
  EXPECT_TRUE(exists("out/summary.txt"));
}

std::string was_deleted(const std::string& directory) {
  return "sweepctl: the output directory '" + directory +
         "' was deleted while its sweep was running; its results are lost";
}

TEST_F(Supervised, SweepWithoutAgentsIsAFailure) {
  srun_end_.reset();  // its tasks were other programs, which ended with status 0
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find("no agent had connected; see the messages of the tasks, and agent=PATH"),
            std::string::npos)
      << serve_->err();
  EXPECT_FALSE(complete());
}

TEST_F(Supervised, DeletedOutputDirectoryIsNotWaitedForOnceSrunHasEnded) {
  delete_output();
  srun_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
  EXPECT_FALSE(exists("out"));
}

TEST_F(Supervised, DeletedJournalIsNamedAsThat) {
  std::filesystem::remove(path("out/sweep.db"));
  begin_agent();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  const std::string journal = "the journal '" + path("out") + "/sweep.db' was deleted";
  EXPECT_NE(serve_->err().find("stopping: " + journal), std::string::npos) << serve_->err();
  EXPECT_NE(serve_->err().find("sweepctl: " + journal + " while its sweep was running"), std::string::npos)
      << serve_->err();
}

// The acknowledged results are in the moved directory, and another sweep may be in its place: nothing is
// written there.
TEST_F(Supervised, MovedOutputDirectoryIsNotWaitedForOnceSrunHasEnded) {
  std::filesystem::rename(path("out"), path("away"));
  std::filesystem::create_directories(path("out"));
  write("out/sweep.db", "of another sweep");
  write("out/sweep.control", "of another sweep");
  srun_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_TRUE(serve_->err().find("the output directory '" + path("out") +
                                 "' was moved while its sweep was running") != std::string::npos)
      << serve_->err();
  EXPECT_EQ(read("out/sweep.control"), "of another sweep");
  EXPECT_FALSE(exists("out/manifest.json"));
}

// While srun runs. Otherwise everything would wait until the end of the job.
TEST_F(Supervised, DeletedOutputDirectoryEndsTheSweep) {
  delete_output();
  begin_agent();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find("stopping: the output directory '" + path("out") + "' was deleted"),
            std::string::npos)
      << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
  EXPECT_FALSE(exists("out"));
}

// The last result is not stored: the sweep is not complete, and srun's exit status must be 1.
TEST_F(Supervised, DeletedOutputDirectoryIsAnErrorEvenForTheLastPoint) {
  start_agent();
  delete_output();
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
}

TEST_F(Supervised, DeletedOutputDirectoryIsAnErrorAfterAnInterrupt) {
  start_agent();
  delete_output();
  serve_->signal(SIGINT);
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
}

class SupervisedBriefly : public Supervised {
 protected:
  SupervisedBriefly() : Supervised("1s") {}
};

// If srun made the job, its environment may have the name of another one.
TEST_F(Supervised, NameOfTheJobInTheOutputDirectoryIsSlurms) {
  std::filesystem::create_directories(directory_ / "bin");
  write("bin/squeue",
        "#!/bin/sh\necho \"$*\" >asked\necho 'squeue: warning: old configuration' >&2\necho nightly/run\n",
        true);
  const Fd life = make_fifo("life2"), ready = make_fifo("ready2");
  Fd srun(::open(path("life2").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  Program serve(directory_,
                {"/bin/sh", "-c",
                 "exec " SWEEP_BIN_DIR
                 "/sweepctl serve --config matrix.yaml --profile profile.yaml --output runs/%x_%4J "
                 "--job 12.3 --lifeline-fd 3 --ready-fd 4 3<life2 4>ready2"},
                {"PATH=" + path("bin") + ":/usr/bin:/bin", "SLURM_JOB_NAME=other"});
  const auto line = next_line(ready);
  ASSERT_TRUE(line && !line->empty()) << serve.err();
  EXPECT_EQ(read("asked"), "--noheader --format=%j --jobs=12\n");
  EXPECT_TRUE(exists("runs/nightly_run_0012.3/sweep.db")) << serve.err();
  srun.reset();
  serve.finish();
}

// As after the requeue of a job whose sweep was done. The controller has to tell agents that come later, too.
TEST_F(SupervisedBriefly, FinishedSweepThatIsResumedTellsAllAgentsToEnd) {
  start_agent();
  let_benchmark_end();
  ASSERT_EQ(agent_->finish(), 0) << agent_->err();
  ASSERT_EQ(serve_->finish(), 0) << serve_->err();
  const Fd life = make_fifo("life2"), ready = make_fifo("ready2");
  const Fd srun(::open(path("life2").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  Program serve(directory_, {"/bin/sh", "-c",
                             "exec " SWEEP_BIN_DIR
                             "/sweepctl serve --config matrix.yaml --profile profile.yaml --output out "
                             "--resume=auto --job 12.0 --lifeline-fd 3 --ready-fd 4 3<life2 4>ready2"});
  const auto line = next_line(ready);
  ASSERT_TRUE(line && !line->empty()) << serve.err();
  words_ = split(line->substr(0, line->size() - 1), ' ');
  ASSERT_EQ(words_.size(), 4U);
  for (const std::string task : {"0", "1"}) {
    Program agent(directory_, {"sweep-agent", "--", "./waits.sh"},
                  {"SLURM_SWEEP_ENDPOINT=" + words_[1], "SLURM_SWEEP_SERVER_KEY=" + words_[2],
                   "SLURM_SWEEP_CLIENT_SECRET=" + words_[3], "TMPDIR=" + path(""), "SLURM_JOB_ID=12",
                   "SLURM_STEP_ID=0", "SLURM_NTASKS=2", "SLURM_PROCID=" + task});
    EXPECT_EQ(agent.finish(), 0) << "task " << task << ": " << agent.err();
  }
  EXPECT_EQ(serve.finish(), 0) << serve.err();
  EXPECT_EQ(serve.err().find("unexpected message"), std::string::npos) << serve.err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "a point was run again";
}

// A full disk may get space again; the controller waits as long as agents would look for one.
TEST_F(SupervisedBriefly, JournalThatCannotBeWrittenIsNotWaitedForLongAfterSrunHasEnded) {
  const rlimit none{0, 0};  // the limit of a file's size; SIGXFSZ is ignored
  ASSERT_EQ(::prlimit(static_cast<pid_t>(control().pid), RLIMIT_FSIZE, &none, nullptr), 0);
  srun_end_.reset();
  EXPECT_TRUE(serve_->wait_for_error("paused until the journal can be written")) << serve_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
}

TEST_F(Supervised, ControllerFinishesItsSweepWithoutItsSupervisor) {
  start_agent();
  serve_->signal(SIGKILL);
  // The controller shares its output, so finish() returns once the controller has ended.
  let_benchmark_end();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), -SIGKILL);
  EXPECT_TRUE(complete());
}

}  // namespace
}  // namespace sweep
