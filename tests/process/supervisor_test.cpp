// sweepctl serve under its supervisor, as the plugin starts it: what it survives, and what ends it.
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
    // Point 1 runs through; point 2 waits until it may go on.
    write("waits.sh",
          std::string(kGoodBenchmark) +
              "echo $CONC >>starts\n[ $CONC = 1 ] && exit\nexec 3<>go\necho here >started\nread line <&3\n",
          true);
    // Open for writing here as long as there is an srun.
    life_end_ = Fd(::open(path("life").c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    serve_.emplace(directory_, std::vector<std::string>{
                                   "/bin/sh", "-c",
                                   "trap '' XFSZ; exec " SWEEP_BIN_DIR
                                   "/sweepctl serve --config matrix.yaml --profile profile.yaml --output out "
                                   "--lifeline-fd 3 --ready-fd 4 3<life 4>ready"});
    life_.reset();
    const auto line = next_line(ready_);
    words_ = split(line.value_or(""), ' ');
    if (words_.size() != 4) throw std::runtime_error("no ready line: " + serve_->err());
    words_[3].pop_back();  // the end of the line
  }

  /// What the plugin starts as a task.
  void begin_agent() {
    agent_.emplace(
        directory_, std::vector<std::string>{"sweep-agent", "--", "./waits.sh"},
        std::vector<std::string>{"SLURM_SWEEP_ENDPOINT=" + words_[1], "SLURM_SWEEP_SERVER_KEY=" + words_[2],
                                 "SLURM_SWEEP_CLIENT_SECRET=" + words_[3], "TMPDIR=" + path("")});
  }
  /// With its point 2 under way when this returns.
  void start_agent() {
    begin_agent();
    ASSERT_EQ(next_line(started_), "here\n") << agent_->err() << serve_->err();
  }
  void let_go() { write("go", "go\n"); }

  ControlFile control() const {
    const auto control = read_control_file(path("out"));
    EXPECT_TRUE(control && *control) << serve_->err();
    return control && *control ? **control : ControlFile{};
  }
  /// Kills the controller, and not its supervisor.
  void kill_controller() {
    const auto pid = static_cast<pid_t>(control().pid);
    ASSERT_GT(pid, 1);
    ASSERT_NE(pid, serve_->pid());
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
  }
  bool complete() const { return nlohmann::json::parse(read("out/manifest.json")).at("complete"); }

  Fd started_ = make_fifo("started"), go_ = make_fifo("go"), life_ = make_fifo("life"),
     ready_ = make_fifo("ready"), life_end_;
  std::vector<std::string> words_;  // of the ready line: ready, endpoint, server key, client secret
  std::optional<Program> serve_, agent_;
};

TEST_F(Supervised, AKilledControllerIsBackOnItsPortWithItsKeysAndAgentsGoOn) {
  start_agent();
  const ControlFile before = control();
  kill_controller();
  ASSERT_TRUE(serve_->says("the controller died of SIGKILL and is back after ")) << serve_->err();
  EXPECT_TRUE(serve_->says("1 of 2 points done, 1 with agents")) << serve_->err();
  const ControlFile after = control();
  EXPECT_NE(after.pid, before.pid);
  EXPECT_EQ(after.endpoint, before.endpoint);
  EXPECT_EQ(after.server_key, before.server_key);
  EXPECT_EQ(after.client_secret, before.client_secret);
  let_go();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "something was run again";
  EXPECT_TRUE(complete());
}

TEST_F(Supervised, FiveDeathsWithinAMinuteEndItWithWhatToDo) {
  for (int death = 1; death < 5; ++death) {
    kill_controller();
    ASSERT_TRUE(serve_->says(" and is back after ", death)) << serve_->err();
  }
  kill_controller();
  EXPECT_EQ(serve_->finish(), 128 + SIGKILL);
  EXPECT_NE(serve_->err().find("the controller died 5 times within 60 s, the last time of SIGKILL; it is not "
                               "started again. What was acknowledged is in '" +
                               path("out") + "'; --sweep-resume goes on with it"),
            std::string::npos)
      << serve_->err();
  // And so it does.
  write("good.sh", kGoodBenchmark, true);
  Program resume(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--resume", "--output", "out",
                              "--", "./good.sh"});
  EXPECT_EQ(resume.finish(), 0) << resume.err();
  EXPECT_TRUE(complete());
}

TEST_F(Supervised, OneThatCannotComeBackIsTriedAgainUntilItCan) {
  start_agent();
  const auto pid = static_cast<pid_t>(control().pid);
  std::filesystem::rename(path("out"), path("away"));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(serve_->says("the controller died of SIGKILL and cannot come back: '" + path("out") + "'"))
      << serve_->err();
  std::filesystem::rename(path("away"), path("out"));
  ASSERT_TRUE(serve_->says(" and is back after ")) << serve_->err();
  let_go();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "something was run again";
  EXPECT_TRUE(complete());
}

TEST_F(Supervised, NobodyIsTriedAgainWhenSrunHasEnded) {
  const auto pid = static_cast<pid_t>(control().pid);
  std::filesystem::rename(path("out"), path("away"));
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(serve_->says(" and cannot come back: ")) << serve_->err();
  life_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
}

TEST_F(Supervised, ASignalOfItsOwnPassesThroughAndIsNoDeath) {
  start_agent();
  serve_->signal(SIGTERM);
  EXPECT_TRUE(serve_->says("stopping: ended by SIGTERM")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(serve_->err().find("died"), std::string::npos) << serve_->err();
  EXPECT_FALSE(complete());
  EXPECT_FALSE(exists("out/sweep.control")) << "a secret was left";
}

TEST_F(Supervised, SoDoesAnInterruptAfterADeath) {
  start_agent();
  kill_controller();
  ASSERT_TRUE(serve_->says(" and is back after ")) << serve_->err();
  serve_->signal(SIGINT);
  EXPECT_TRUE(serve_->says("stopping: interrupted")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
}

TEST_F(Supervised, TheEndOfSrunEndsIt) {
  life_end_.reset();
  EXPECT_TRUE(serve_->says("stopping: srun has ended")) << serve_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_TRUE(exists("out/summary.txt"));
}

std::string was_deleted(const std::string& directory) {
  return "sweepctl: the output directory '" + directory +
         "' was deleted while its sweep ran: nothing of it can be saved";
}

TEST_F(Supervised, AnOutputThatIsGoneIsNotWaitedForOnceSrunHasEnded) {
  std::filesystem::remove_all(path("out"));
  life_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
  EXPECT_FALSE(exists("out"));
}

// What was acknowledged lies there still, and another sweep may be in its place: it is left alone.
TEST_F(Supervised, NorIsOneThatWasMovedAway) {
  std::filesystem::rename(path("out"), path("away"));
  std::filesystem::create_directories(path("out"));
  write("out/sweep.db", "of another sweep");
  write("out/sweep.control", "of another sweep");
  life_end_.reset();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_TRUE(serve_->err().find("the output directory '" + path("out") + "' is not in its place any more") !=
              std::string::npos)
      << serve_->err();
  EXPECT_EQ(read("out/sweep.control"), "of another sweep");
  EXPECT_FALSE(exists("out/manifest.json"));
}

// With srun there: else all would wait for as long as the job lasts.
TEST_F(Supervised, AnOutputThatWasDeletedEndsTheSweep) {
  std::filesystem::remove_all(path("out"));
  begin_agent();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find("stopping: the output directory '" + path("out") + "' was deleted"),
            std::string::npos)
      << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
  EXPECT_FALSE(exists("out"));
}

// The last result, which is kept nowhere: the sweep is not complete, and srun's status must say so.
TEST_F(Supervised, AlsoWhenNothingElseWasLeft) {
  start_agent();
  std::filesystem::remove_all(path("out"));
  let_go();
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
}

TEST_F(Supervised, AndWhenItIsInterrupted) {
  start_agent();
  std::filesystem::remove_all(path("out"));
  serve_->signal(SIGINT);
  EXPECT_EQ(agent_->finish(), 1) << agent_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
  EXPECT_NE(serve_->err().find(was_deleted(path("out"))), std::string::npos) << serve_->err();
}

class SupervisedBriefly : public Supervised {
 protected:
  SupervisedBriefly() : Supervised("1s") {}
};

// A full disk may get room again, for as long as agents would look for a controller.
TEST_F(SupervisedBriefly, AJournalThatTakesNothingIsNotWaitedForMuchLongerThanSrun) {
  const rlimit none{0, 0};  // of a file's size; its signal is ignored
  ASSERT_EQ(::prlimit(static_cast<pid_t>(control().pid), RLIMIT_FSIZE, &none, nullptr), 0);
  life_end_.reset();
  EXPECT_TRUE(serve_->says("nothing is leased until it can be written")) << serve_->err();
  EXPECT_EQ(serve_->finish(), 1) << serve_->err();
}

TEST_F(Supervised, WithoutItsSupervisorAControllerEndsItsSweepAllTheSame) {
  start_agent();
  serve_->signal(SIGKILL);
  // Its output is the controller's too: it ends when that has.
  let_go();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), -SIGKILL);
  EXPECT_TRUE(complete());
}

}  // namespace
}  // namespace sweep
