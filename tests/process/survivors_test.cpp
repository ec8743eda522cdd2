// Programs that are killed: no process that they started survives, and no acknowledged result is lost.
#include <csignal>

#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

class Survivors : public ProcessTest {
 protected:
  // Point 1 ends; the benchmark of point 2 holds the FIFO open.
  void begin() {
    write_matrix({1, 2});
    make_fifo("never");
    write("waits.sh",
          std::string(kGoodBenchmark) +
              "[ $CONC = 1 ] && exit\n"
              "exec 9>started; echo here >&9\nread line <>never\n",
          true);
  }
};

TEST_F(Survivors, NothingOutlivesAKilledController) {
  begin();
  const Fd started = make_fifo("started");
  Program run(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml",
                           "--", "./waits.sh"});
  ASSERT_EQ(next_line(started), "here\n") << run.err();
  run.signal(SIGKILL);
  EXPECT_EQ(run.finish(), -SIGKILL);
  // The agent dies with the controller, the benchmark with the agent.
  EXPECT_EQ(next_line(started), "") << "the benchmark is still running";
  Program status(directory_, {"sweepctl", "status", "--json", "out"});
  EXPECT_EQ(status.finish(), 1) << status.err();
  const auto document = nlohmann::json::parse(status.out());
  EXPECT_EQ(document.at("state"), "interrupted");
  EXPECT_EQ(document.at("points").at("done"), 1);
  EXPECT_EQ(document.at("resume").at("what"), "1 point left; to resume");
  Program aggregate(directory_, {"sweepctl", "aggregate", "out"});
  EXPECT_EQ(aggregate.finish(), 0) << aggregate.err();
  EXPECT_EQ(nlohmann::json::parse(read("out/agg_dsr1_1k1k.json")).size(), 1U);
}

// Agents in an allocation would otherwise look for ten minutes for a controller that is not restarted.
TEST_F(Survivors, SrunOfAKilledControllerIsAskedToEndItsStep) {
  write_matrix({1});
  write("x", kGoodBenchmark, true);
  std::filesystem::create_directory(path("bin"));
  write("bin/srun",
        "#!/bin/sh\ntrap 'echo SIGTERM >&9; exit' TERM\nexec 9>step; echo here >&9\nsleep 100 & wait\n",
        true);
  const Fd step = make_fifo("step");
  Program run(directory_,
              {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml", "--", "./x"},
              {"PATH=" + path("bin") + ":/usr/bin:/bin", "SLURM_JOB_ID=7"});
  ASSERT_EQ(next_line(step), "here\n") << run.err();
  run.signal(SIGKILL);
  EXPECT_EQ(next_line(step), "SIGTERM\n");
}

TEST_F(Survivors, KilledBenchmarkLeavesNoChild) {
  write_matrix({1});
  const Fd started = make_fifo("started");
  make_fifo("never");
  write("dies.sh",
        "#!/bin/sh\nexec 9>started; echo here >&9\n(trap '' TERM; read line <>never) &\nkill -KILL $$\n",
        true);
  Program run(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml",
                           "--", "./dies.sh"});
  EXPECT_EQ(run.finish(), 1) << run.err();
  EXPECT_NE(run.err().find("SIGKILL"), std::string::npos) << run.err();
  EXPECT_EQ(next_line(started), "here\n");
  EXPECT_EQ(next_line(started), "") << "the benchmark's child is still running";
}

}  // namespace
}  // namespace sweep
