// sweepctl run on this machine: its files, what it refuses, how it stops.
#include <fcntl.h>

#include <csignal>

#include "tests/process/program.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;
using testing::Test;

class Run : public ProcessTest {
 protected:
  std::vector<std::string> command(const std::string& output, const std::string& benchmark) const {
    return {"sweepctl", "run",         "--profile", "profile.yaml", "--output",
            output,     "matrix.yaml", "--",        benchmark};
  }
};

TEST_F(Run, WritesEveryFile) {
  write_matrix({1, 2, 3});
  write("good.sh", kGoodBenchmark, true);
  Program run(directory_, command("out", "./good.sh"));
  ASSERT_EQ(run.finish(), 0) << run.err();
  EXPECT_NE(run.err().find("3 of 3 points done"), std::string::npos) << run.err();
  EXPECT_EQ(json::parse(read("out/agg_dsr1_1k1k.json")).size(), 3U);
  EXPECT_EQ(json::parse(read("out/sweep_configs.json")).size(), 3U);
  EXPECT_TRUE(json::parse(read("out/manifest.json")).at("complete").get<bool>());
  EXPECT_NE(read("out/summary.txt").find("3 of 3 points done"), std::string::npos);
  EXPECT_FALSE(exists("out/sweep.control"));
  EXPECT_FALSE(exists("out/sweep.db-wal"));
}

TEST_F(Run, ReportsFailedPointsAndKeepsTheOthers) {
  write_matrix({1, 2});
  write("half.sh",
        std::string(kGoodBenchmark) +
            "[ $CONC = 1 ] || { rm $RESULT_FILENAME.json; echo 'no memory' >&2; exit 7; }\n",
        true);
  Program run(directory_, command("out", "./half.sh"));
  EXPECT_EQ(run.finish(), 1) << run.err();
  EXPECT_NE(run.err().find("exit status 7"), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("no memory"), std::string::npos) << run.err();
  EXPECT_EQ(json::parse(read("out/agg_dsr1_1k1k.json")).size(), 1U);
  Program status(directory_, {"sweepctl", "status", "out"});
  EXPECT_EQ(status.finish(), 1);
  EXPECT_NE(status.out().find("incomplete"), std::string::npos) << status.out();
}

// A sweep without one valid result must not look like a success.
TEST_F(Run, EndsWithStatus3IfResultsAreNotValid) {
  write_matrix({1, 2});
  write("lossy.sh",
        std::string(kGoodBenchmark) + R"(sed -i 's/"completed": 4/"completed": 4, "num_prompts": 40/' )"
                                      R"("$RESULT_FILENAME.json"
)",
        true);
  Program run(directory_, command("out", "./lossy.sh"));
  EXPECT_EQ(run.finish(), 3) << run.err();
  EXPECT_NE(run.err().find("2 of 2 points ran, 0 valid"), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("'strict: no'"), std::string::npos) << run.err();
  EXPECT_NE(read("out/summary.txt").find("2 of 2 points ran, 0 valid"), std::string::npos);
  EXPECT_EQ(json::parse(read("out/manifest.json")).at("points_valid"), 0);
  Program status(directory_, {"sweepctl", "status", "out"});
  EXPECT_EQ(status.finish(), 3);
  EXPECT_NE(status.out().find("2 of 2 points ran, 0 valid"), std::string::npos) << status.out();

  write("profile.yaml", "gpus: ignore\nstrict: no\n");
  Program lenient(directory_, command("lenient", "./lossy.sh"));
  EXPECT_EQ(lenient.finish(), 0) << lenient.err();
  EXPECT_NE(lenient.err().find("2 of 2 points ran, 0 valid"), std::string::npos) << lenient.err();
  Program lenient_status(directory_, {"sweepctl", "status", "lenient"});
  EXPECT_EQ(lenient_status.finish(), 0);
}

// Stand-ins for srun and scontrol: a job of one node.
class RunInJob : public Run {
 protected:
  void put_slurm(const std::string& sharing, const std::string& gres) const {
    std::filesystem::create_directories(directory_ / "bin");
    write("bin/scontrol",
          "#!/bin/sh\nif [ \"$3\" = node ]; then echo 'NodeName=n1 Gres=" + gres +
              " State=MIXED'; else echo 'JobId=12 OverSubscribe=" + sharing + " EndTime=Unknown'; fi\n",
          true);
    write("bin/srun",
          "#!/bin/sh\nwhile [ \"${1#--}\" != \"$1\" ]; do shift; done\n"
          "export SLURM_STEP_ID=0 SLURM_PROCID=0 SLURM_NTASKS=1 SLURMD_NODENAME=n1\nexec \"$@\"\n",
          true);
    write("profile.yaml", "auth: key\n");
    write("good.sh", kGoodBenchmark, true);
  }
  std::vector<std::string> in_job() const {
    return {"PATH=" + path("bin") + ":/usr/bin:/bin", "SLURM_JOB_ID=12", "SLURM_JOB_NUM_NODES=1",
            "CUDA_VISIBLE_DEVICES=0"};
  }
};

TEST_F(RunInJob, SaysOnceThatNodesAreShared) {
  write_matrix({1, 2});
  put_slurm("OK", "(null)");
  const std::string note =
      "warning: results will not be valid (node-shared): other jobs may run on the nodes of job 12";
  Program check(directory_, {"sweepctl", "check", "matrix.yaml", "--profile", "profile.yaml"}, in_job());
  EXPECT_EQ(check.finish(), 0) << check.err();
  EXPECT_NE(check.err().find(note), std::string::npos) << check.err();
  Program run(directory_, command("out", "./good.sh"), in_job());
  EXPECT_EQ(run.finish(), 3) << run.err();
  const auto first = run.err().find(note);
  ASSERT_NE(first, std::string::npos) << run.err();
  EXPECT_EQ(run.err().find(note, first + 1), std::string::npos) << run.err();
  EXPECT_LT(first, run.err().find("started dsr1")) << run.err();
}

TEST_F(RunInJob, PointsDoNotRunOnOtherHardware) {
  write_matrix({1});
  put_slurm("NO", "gpu:h200:8(S:0-1)");
  Program wrong(directory_, command("wrong", "./good.sh"), in_job());
  EXPECT_EQ(wrong.finish(), 1);
  EXPECT_NE(wrong.err().find("n1 has GPUs of type h200 (gres): points of b200 do not run there"),
            std::string::npos)
      << wrong.err();
  EXPECT_NE(wrong.err().find("0 of 1 point done, 1 failed"), std::string::npos) << wrong.err();
  put_slurm("NO", "gpu:b200:8(S:0-1)");
  Program right(directory_, command("right", "./good.sh"), in_job());
  EXPECT_EQ(right.finish(), 0) << right.err();
  const auto record = json::parse(read("right/agg_dsr1_1k1k.json")).at(0);
  EXPECT_EQ(record.at("hw"), "b200");
  EXPECT_EQ(record.at("hw_from"), "gres");
}

TEST_F(Run, DoesNotUseAnOldResultFile) {
  write_matrix({1});
  write("good.sh", kGoodBenchmark, true);
  Program first(directory_, command("first", "./good.sh"));
  ASSERT_EQ(first.finish(), 0) << first.err();
  const std::string name =
      std::filesystem::directory_iterator(directory_ / "first/raw")->path().filename().string();
  write(name, read("first/raw/" + name));
  Program second(directory_, command("second", "/bin/true"));
  EXPECT_EQ(second.finish(), 1);
  EXPECT_NE(second.err().find("no-result"), std::string::npos) << second.err();
  EXPECT_TRUE(exists(name)) << "a file that this sweep did not write was removed";
}

TEST_F(Run, RefusesTheDirectoryOfALiveSweep) {
  write_matrix({1});
  const Fd started = make_fifo("started");
  write("waits.sh", "#!/bin/sh\necho here >started\nread line <never\n", true);
  make_fifo("never");
  Program first(directory_, command("out", "./waits.sh"));
  ASSERT_EQ(next_line(started), "here\n") << first.err();
  Program second(directory_, command("out", "./waits.sh"));
  EXPECT_EQ(second.finish(), 1);
  EXPECT_NE(second.err().find("another sweep is running there"), std::string::npos) << second.err();
  EXPECT_NE(second.err().find("pid " + std::to_string(first.pid())), std::string::npos) << second.err();
  Program aggregate(directory_, {"sweepctl", "aggregate", "out"});
  EXPECT_EQ(aggregate.finish(), 1);
  EXPECT_NE(aggregate.err().find("in use"), std::string::npos) << aggregate.err();
  first.signal(SIGINT);
  EXPECT_EQ(first.finish(), 130);
}

TEST_F(Run, StatusAsksTheLiveController) {
  write_matrix({1, 2});
  const Fd started = make_fifo("started");
  make_fifo("never");
  write("waits.sh",
        "#!/bin/sh\nprintf ' 45%%|####      | 45/100 [00:01<00:01]\\r' >&2\necho here >started\nread line "
        "<never\n",
        true);
  Program run(directory_, command("out", "./waits.sh"));
  ASSERT_EQ(next_line(started), "here\n") << run.err();
  Program status(directory_, {"sweepctl", "status", "--json", "out"});
  ASSERT_EQ(status.finish(), 0) << status.err();
  const json document = json::parse(status.out());
  EXPECT_EQ(document.at("state"), "running");
  EXPECT_EQ(document.at("points").at("pending"), 1);
  ASSERT_EQ(document.at("running").size(), 1U);
  EXPECT_EQ(document.at("running")[0].at("attempt"), 1);
  run.signal(SIGINT);
  EXPECT_EQ(run.finish(), 130);
}

TEST_F(Run, FirstInterruptStopsCleanly) {
  write_matrix({1, 2});
  const Fd started = make_fifo("started");
  make_fifo("never");
  write("waits.sh",
        std::string(kGoodBenchmark) +
            "[ $CONC = 1 ] && exit\nexec 9>started; echo here >&9\nread line <never\n",
        true);
  Program run(directory_, command("out", "./waits.sh"));
  ASSERT_EQ(next_line(started), "here\n") << run.err();
  run.signal(SIGINT);
  EXPECT_EQ(run.finish(), 130) << run.err();
  EXPECT_NE(run.err().find("stopping: interrupted"), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("1 of 2 points done, 1 unfinished"), std::string::npos) << run.err();
  EXPECT_EQ(next_line(started), "") << "the benchmark is still running";
  EXPECT_EQ(json::parse(read("out/agg_dsr1_1k1k.json")).size(), 1U);
  EXPECT_NE(read("out/summary.txt").find("unfinished  dsr1_1k1k fp4 sglang b200 tp1 conc2"),
            std::string::npos);
}

TEST_F(Run, HangupDoesNotEndASweepUnderNohup) {
  write_matrix({1});
  const Fd started = make_fifo("started");
  const Fd reader = make_fifo("go");  // keeps the FIFO open
  write("waits.sh",
        std::string(kGoodBenchmark) + "exec 8<>go 9>started; echo here >&9; exec 9>&-\nread line <&8\n",
        true);
  auto words = command("out", "./waits.sh");
  words[0] = std::string(SWEEP_BIN_DIR) + "/sweepctl";
  words.insert(words.begin(), {"/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh"});
  Program run(directory_, words);
  ASSERT_EQ(next_line(started), "here\n") << run.err();
  run.signal(SIGHUP);
  const Fd go(::open(path("go").c_str(), O_WRONLY | O_CLOEXEC));
  ASSERT_EQ(::write(go.get(), "go\n", 3), 3);
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_EQ(run.err().find("stopping"), std::string::npos) << run.err();
}

TEST_F(Run, SecondInterruptStopsImmediately) {
  write_matrix({1});
  write("profile.yaml", "gpus: ignore\ntimeouts: { kill-grace: 1h }\n");
  const Fd started = make_fifo("started");
  make_fifo("never");
  write("deaf.sh", "#!/bin/sh\ntrap '' TERM INT\nexec 9>started; echo here >&9\nread line <>never\n", true);
  Program run(directory_, command("out", "./deaf.sh"));
  ASSERT_EQ(next_line(started), "here\n") << run.err();
  run.signal(SIGINT);
  ASSERT_TRUE(run.wait_for_error("stopping: interrupted"));
  run.signal(SIGINT);
  EXPECT_EQ(run.finish(), 130) << run.err();
  EXPECT_EQ(next_line(started), "") << "the benchmark is still running";
  EXPECT_TRUE(exists("out/summary.txt"));
}

TEST_F(Run, ServerThatDoesNotStartIsStartedTwiceForAllItsPoints) {
  write_matrix({1, 2, 4, 8});
  write("recipe.yaml",
        "server: { command: 'echo no device >&2; exit 3', env: [TP], ready: { url: /health } }\n"
        "client: { command: 'true' }\n");
  write("profile.yaml", "gpus: ignore\nbenchmark: recipe.yaml\n");
  Program run(directory_, {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml"});
  EXPECT_EQ(run.finish(), 1) << run.err();
  EXPECT_NE(run.err().find("4/4 failed  2 points: the server failed to start 2 times (on "),
            std::string::npos)
      << run.err();
  const auto manifest = nlohmann::json::parse(read("out/manifest.json"));
  std::size_t attempts = 0;
  for (const auto& point : manifest.at("points"))
    attempts += point.at("attempts").size();
  EXPECT_EQ(attempts, 2U);
}

}  // namespace
}  // namespace sweep
