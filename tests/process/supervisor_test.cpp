// sweepctl serve under its supervisor, as the plugin starts it: which failures it survives, and what ends it.
#include <fcntl.h>
#include <sys/resource.h>

#include <csignal>

#include "controller/io/control_file.hpp"
#include "tests/process/program.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

class Supervised : public ProcessTest {
 protected:
  Supervised() : Supervised("10m") {}
  explicit Supervised(const std::string& away) {
    write_matrix({1, 2});
    write("profile.yaml", "gpus: ignore\nauth: key\ntimeouts: { kill-grace: 500ms, away: " + away + " }\n");
    // Point 1 ends by itself; point 2 waits until the test lets it end.
    write("waits.sh",
          std::string(kGoodBenchmark) +
              "echo $CONC >>starts\n[ $CONC = 1 ] && exit\nexec 3<>go\necho here >started\nread line <&3\n",
          true);
    // Open for writing as long as srun runs: the lifeline.
    srun_end_ = Fd(::open(path("life").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    serve_.emplace(directory_, std::vector<std::string>{
                                   "/bin/sh", "-c",
                                   "trap '' XFSZ; exec " SWEEP_BIN_DIR
                                   "/sweepctl serve --config matrix.yaml --profile profile.yaml --output out "
                                   "--lifeline-fd 3 --ready-fd 4 3<life 4>ready"});
    lifeline_.reset();
    const auto line = next_line(ready_);
    words_ = split(line.value_or(""), ' ');
    if (words_.size() != 4) throw std::runtime_error("no ready line: " + serve_->err());
    words_[3].pop_back();  // the end of the line
  }

  /// Starts the agent as the plugin does.
  void begin_agent() {
    agent_.emplace(
        directory_, std::vector<std::string>{"sweep-agent", "--", "./waits.sh"},
        std::vector<std::string>{"SLURM_SWEEP_ENDPOINT=" + words_[1], "SLURM_SWEEP_SERVER_KEY=" + words_[2],
                                 "SLURM_SWEEP_CLIENT_SECRET=" + words_[3], "TMPDIR=" + path("")});
  }
  /// Starts the agent and waits until point 2 runs.
  void start_agent() {
    begin_agent();
    ASSERT_EQ(next_line(started_), "here\n") << agent_->err() << serve_->err();
  }
  /// Deletes the output directory, also if the controller writes a file of point 1 meanwhile.
  void delete_output() const {
    std::error_code code;
    do {
      std::filesystem::remove_all(path("out"), code);
    } while (code == std::errc::directory_not_empty);
    ASSERT_FALSE(code) << code.message();
  }
  void let_benchmark_end() { write("go", "go\n"); }

  ControlFile control() const {
    const auto control = read_control_file(path("out"));
    EXPECT_TRUE(control && *control) << serve_->err();
    return control && *control ? **control : ControlFile{};
  }
  /// Kills the controller, but not its supervisor.
  void kill_controller() {
    const auto pid = static_cast<pid_t>(control().pid);
    ASSERT_GT(pid, 1);
    ASSERT_NE(pid, serve_->pid());
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
  }
  bool complete() const { return nlohmann::json::parse(read("out/manifest.json")).at("complete"); }

  Fd started_ = make_fifo("started"), go_ = make_fifo("go"), lifeline_ = make_fifo("life"),
     ready_ = make_fifo("ready"), srun_end_;
  std::vector<std::string> words_;  // of the ready line: ready, endpoint, server key, client secret
  std::optional<Program> serve_, agent_;
};

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
  EXPECT_TRUE(serve_->wait_for_error("stopping: interrupted")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
}

TEST_F(Supervised, EndOfSrunEndsTheSweep) {
  srun_end_.reset();
  EXPECT_TRUE(serve_->wait_for_error("stopping: srun has ended")) << serve_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_TRUE(exists("out/summary.txt"));
}

std::string was_deleted(const std::string& directory) {
  return "sweepctl: the output directory '" + directory +
         "' was deleted while its sweep was running; its results are lost";
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
