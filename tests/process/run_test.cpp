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
  /// Returns the number of files in a folder whose names start with `start` and contain `part`.
  int files_like(const std::string& folder, const std::string& start, const std::string& part) const {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / folder)) {
      const std::string name = entry.path().filename().string();
      count += name.starts_with(start) && name.find(part) != std::string::npos;
    }
    return count;
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
  // The log that is named everywhere is there.
  const std::string named = "log: ", end = "conc2_";
  for (const std::string& text : {run.err(), status.out(), read("out/summary.txt")}) {
    const std::size_t at = text.find(named);
    ASSERT_NE(at, std::string::npos) << text;
    const std::string log = text.substr(at + named.size(), text.find('\n', at) - at - named.size());
    EXPECT_NE(log.find(end), std::string::npos) << log;
    EXPECT_EQ(read(log.starts_with("logs/") ? "out/" + log : log), "no memory\n") << log;
  }
}

TEST_F(Run, StopsIfTheFirstPointsFailAlikeBeforeTheyRun) {
  write_matrix({1, 2, 4, 8, 16});
  write("broken.sh", "#!/no/such/interpreter\n", true);
  Program run(directory_, command("out", "./broken.sh"));
  EXPECT_EQ(run.finish(), 1) << run.err();
  const std::string why =
      "cannot start './broken.sh': the interpreter on its first line does not exist: "
      "'/no/such/interpreter'";
  EXPECT_NE(run.err().find("the first 3 points failed alike: " + why), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("failed      3 points: benchmark-failed: " + why), std::string::npos) << run.err();
  EXPECT_NE(run.err().find("2 points left and 3 failed points"), std::string::npos) << run.err();
  EXPECT_EQ(run.err().find("results: "), std::string::npos) << "there are none: " << run.err();
  EXPECT_NE(run.err().find("summary:  out/summary.txt"), std::string::npos) << run.err();
  EXPECT_EQ(run.err().find("log"), std::string::npos) << "nothing was printed: " << run.err();

  write("broken.sh", kGoodBenchmark, true);
  Program again(directory_,
                {"sweepctl", "run", "--resume", "--retry-failed", "--output", "out", "--", "./broken.sh"});
  EXPECT_EQ(again.finish(), 0) << again.err();
}

TEST_F(Run, RefusesAScriptThatIsNotExecutable) {
  write_matrix({1});
  write("plain.sh", kGoodBenchmark);
  Program run(directory_, command("out", "./plain.sh"));
  EXPECT_EQ(run.finish(), 1);
  EXPECT_EQ(
      run.err(),
      "sweepctl: cannot start './plain.sh': Permission denied; make it executable: chmod +x ./plain.sh\n");
  EXPECT_FALSE(exists("out"));
  Program check(directory_,
                {"sweepctl", "check", "--quiet", "--config=matrix.yaml", "--chdir=/", "--", "./plain.sh"});
  EXPECT_EQ(check.finish(), 1);
  EXPECT_NE(check.err().find("there is no such file in '/'"), std::string::npos) << check.err();
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

TEST_F(Run, RecordsDescribeTheirPoint) {
  write_matrix({1});
  write("good.sh", kGoodBenchmark, true);
  Program run(directory_, command("out", "./good.sh"));
  ASSERT_EQ(run.finish(), 0) << run.err();
  const json manifest = json::parse(read("out/manifest.json"));
  const json record = json::parse(read("out/agg_dsr1_1k1k.json")).at(0);
  EXPECT_EQ(record.at("schema_version"), 1);
  EXPECT_EQ(manifest.at("schema_version"), 1);
  EXPECT_EQ(record.at("exp_name"), "dsr1_1k1k");
  EXPECT_EQ(record.at("scenario"), "1k1k");
  EXPECT_EQ(record.at("isl"), 1024);
  EXPECT_EQ(record.at("osl"), 1024);
  EXPECT_EQ(record.at("random_range_ratio"), 0.8);
  EXPECT_EQ(record.at("sweep"), manifest.at("sweep"));
  EXPECT_EQ(record.at("point"), manifest.at("points").at(0).at("point"));
  EXPECT_EQ(record.at("attempt"), 1);
  EXPECT_EQ(record.at("valid"), true);
  EXPECT_EQ(record.at("dp_attention"), "false") << "as InferenceMAX's tools write it";
  EXPECT_FALSE(record.at("provenance").contains("image")) << "there is no container";
}

TEST_F(Run, NamesOnlyFilesThatAreThere) {
  write_matrix({1, 2});
  write("good.sh", kGoodBenchmark, true);
  Program run(directory_, command("out", "./good.sh"));
  ASSERT_EQ(run.finish(), 0) << run.err();
  EXPECT_NE(run.err().find("points:   out/agg_*_conc*.json\nresults:  out/agg_dsr1_1k1k.json\n"),
            std::string::npos)
      << run.err();
  EXPECT_EQ(files_like("out", "agg_", "_conc"), 2);
  Program fails(directory_, command("none", "/bin/false"));
  EXPECT_EQ(fails.finish(), 1);
  EXPECT_EQ(fails.err().find("points:  "), std::string::npos) << fails.err();
  EXPECT_EQ(fails.err().find("results:  "), std::string::npos) << fails.err();
}

TEST_F(Run, ImagesThatAreNotUsedAreNamedOnce) {
  write_matrix({1, 2});
  write("good.sh", kGoodBenchmark, true);
  const std::string note = "note: the images in the matrix are not used";
  Program run(directory_, command("out", "./good.sh"));
  ASSERT_EQ(run.finish(), 0) << run.err();
  const auto first = run.err().find(note);
  ASSERT_NE(first, std::string::npos) << run.err();
  EXPECT_EQ(run.err().find(note, first + 1), std::string::npos) << run.err();
  Program check(directory_, {"sweepctl", "check", "matrix.yaml", "--profile", "profile.yaml"});
  EXPECT_EQ(check.finish(), 0);
  EXPECT_NE(check.err().find(note), std::string::npos) << check.err();
  write("profile.yaml", "gpus: ignore\ncontainer: { runtime: bwrap }\n");
  Program contained(directory_, {"sweepctl", "check", "matrix.yaml", "--profile", "profile.yaml"});
  EXPECT_EQ(contained.finish(), 0);
  EXPECT_EQ(contained.err(), "");
}

// A benchmark of one's own: no server, and lengths as the user's environment sets them.
TEST_F(Run, ScriptWithoutAServerIsNotLimitedByTheServersTimeout) {
  write_matrix({1});
  write("profile.yaml", "gpus: ignore\ntimeouts: { server: 100ms, kill-grace: 500ms }\n");
  std::string own = kGoodBenchmark;
  own.replace(own.find("echo"), own.find('\n', own.find("echo")) - own.find("echo"), "sleep 0.5");
  write("own.sh", own, true);
  Program run(directory_, command("out", "./own.sh"));
  EXPECT_EQ(run.finish(), 0) << run.err();
  EXPECT_EQ(read("out/summary.txt").find("server"), std::string::npos) << read("out/summary.txt");
  EXPECT_NE(read("out/summary.txt").find("total time by phase: benchmark "), std::string::npos);
  const json attempt = json::parse(read("out/manifest.json")).at("points").at(0).at("attempts").at(0);
  EXPECT_EQ(attempt.at("phases").size(), 1U) << attempt.dump();
}

TEST_F(Run, LengthsAreHeldAgainstTheRatioOfTheEnvironment) {
  write_matrix({1});
  write("half.sh",
        std::string(kGoodBenchmark) +
            R"(sed -i 's/"completed": 4/"completed": 4, "total_input_tokens": 2458/' )"
            R"("$RESULT_FILENAME.json"
)",
        true);
  Program own(directory_, command("own", "./half.sh"), {"RANDOM_RANGE_RATIO=0.2"});
  EXPECT_EQ(own.finish(), 0) << own.err();
  EXPECT_EQ(json::parse(read("own/agg_dsr1_1k1k.json")).at(0).at("random_range_ratio"), 0.2);
  Program other(directory_, command("other", "./half.sh"));
  EXPECT_EQ(other.finish(), 3) << other.err();
  EXPECT_NE(other.err().find("921.6 (mean with RANDOM_RANGE_RATIO 0.8) or 1024.0 (ISL)"), std::string::npos)
      << other.err();
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

TEST_F(Run, KeepsBeginningAndEndOfALongOutput) {
  write_matrix({1});
  write("profile.yaml", "gpus: ignore\nlog-limit: 1M\n");
  write("floods.sh",
        std::string(kGoodBenchmark) +
            "echo first\nyes | head -c 20000000\n"
            "echo last; echo 'to stderr' >&2\n",
        true);
  Program run(directory_, command("out", "./floods.sh"));
  ASSERT_EQ(run.finish(), 0) << run.err();
  std::string out;
  for (const auto& file : std::filesystem::directory_iterator(directory_ / "out/logs")) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(".out")) out = read("out/logs/" + name);
    if (name.ends_with(".err")) {
      EXPECT_EQ(read("out/logs/" + name), "to stderr\n");
    }
  }
  EXPECT_LT(out.size(), 1'001'000U);
  EXPECT_NE(out.find("first\ny\n"), std::string::npos);
  EXPECT_NE(out.find("bytes of this output were left out here"), std::string::npos);
  EXPECT_TRUE(out.ends_with("y\nlast\n"));
}

// One command for the first run and for every requeue of a job.
TEST_F(RunInJob, ResumeAutoStartsThenResumesThenHasNothingLeft) {
  write_matrix({1, 2});
  put_slurm("NO", "(null)");
  write("first.sh", std::string(kGoodBenchmark) + "[ $CONC = 1 ] || { rm $RESULT_FILENAME.json; exit 7; }\n",
        true);
  const auto run = [&](const std::string& benchmark, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words = command("res_%4j_%x", benchmark);
    words.insert(words.begin() + 2, "--resume=auto");
    words.insert(words.begin() + 2, more.begin(), more.end());
    std::vector<std::string> environment = in_job();
    environment.emplace_back("SLURM_JOB_NAME=nightly");
    Program program(directory_, words, environment);
    const int status = program.finish();
    return std::pair(status, program.err());
  };
  const auto [started, start] = run("./first.sh");
  EXPECT_EQ(started, 1) << start;
  EXPECT_NE(start.find("output directory res_0012_nightly"), std::string::npos) << start;
  EXPECT_NE(start.find("--output " + path("res_0012_nightly") + " "), std::string::npos) << start;
  EXPECT_EQ(start.find("resumed"), std::string::npos) << start;
  const auto [requeued, requeue] = run("./good.sh", {"--retry-failed"});
  EXPECT_EQ(requeued, 0) << requeue;
  EXPECT_NE(requeue.find("resumed, 1 done"), std::string::npos) << requeue;
  const auto [finished, finish] = run("./good.sh");
  EXPECT_EQ(finished, 0) << finish;
  EXPECT_NE(finish.find("2 of 2 points done"), std::string::npos) << finish;
  EXPECT_EQ(json::parse(read("res_0012_nightly/agg_dsr1_1k1k.json")).size(), 2U);
}

TEST_F(RunInJob, CheckKnowsTheOutputDirectoryAsFarAsTheJobDoesNotDecideIt) {
  write_matrix({1});
  put_slurm("NO", "(null)");
  const auto check = [&](const std::vector<std::string>& more) {
    std::vector<std::string> words = {"sweepctl", "check", "--quiet", "--profile", "profile.yaml"};
    words.insert(words.end(), more.begin(), more.end());
    Program program(directory_, words, in_job());
    const int status = program.finish();
    return std::to_string(status) + " " + program.err();
  };
  EXPECT_EQ(check({"matrix.yaml", "--output", "res_%j"}), "0 ");
  EXPECT_EQ(check({"matrix.yaml", "--output", "res_%j", "--resume=auto"}), "0 ");
  EXPECT_EQ(check({"--output", "res_%j", "--resume"}), "0 ");
  EXPECT_NE(check({"matrix.yaml", "--output", "res_%q"}).find("'%q' is not a replacement symbol; known: %j"),
            std::string::npos);
  EXPECT_NE(check({"matrix.yaml", "--output", "profile.yaml/%j"}).find("is not a directory"),
            std::string::npos);
  EXPECT_NE(check({"matrix.yaml", "--resume=auto"}).find("--resume=auto requires --output DIR"),
            std::string::npos);
  EXPECT_NE(
      check({"--output", "res_%j", "--resume=auto"}).find("--resume=auto requires a configuration file"),
      std::string::npos);
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
  EXPECT_NE(run.err().find("stopping: received SIGINT (Ctrl-C)"), std::string::npos) << run.err();
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
  ASSERT_TRUE(run.wait_for_error("stopping: received SIGINT (Ctrl-C)"));
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
