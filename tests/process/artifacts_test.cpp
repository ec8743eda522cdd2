// The files that a benchmark leaves besides its result, from its working directory to the output directory.
#include <gmock/gmock.h>
#include <sys/inotify.h>

#include <csignal>

#include "tests/process/supervised.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

/// Leaves what the scripts of InferenceX leave. Point 2 has no server.log.
constexpr const char* kLeavesFiles = R"(
echo $CONC >>starts
[ $CONC = 2 ] || echo server of $CONC >server.log
printf 'timestamp, index\n%s\n' $CONC >"${GPU_METRICS_CSV:-gpu_metrics.csv}"
printf 'gpu,energy\n' >"${GPU_METRICS_CSV%.csv}_energy_start.csv"
echo "{\"conc\": $CONC}" >meta_env.json
echo "{\"score\": $CONC}" >results_$CONC.json
echo '{}' >samples_$CONC.jsonl
mkdir -p "${RESULT_DIR:-results}/aiperf_artifacts"
echo benchmark of $CONC >"${RESULT_DIR:-results}/benchmark.log"
echo $CONC >"${RESULT_DIR:-results}/aiperf_artifacts/profile.csv"
)";

/// Returns the files below `folder` with their paths in it.
std::vector<std::string> files_below(const fs::path& folder) {
  std::vector<std::string> out;
  if (!fs::exists(folder)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) out.push_back(entry.path().lexically_relative(folder).string());
  }
  return out;
}

json points_of(const std::string& manifest) {
  return json::parse(manifest).at("points");
}

class CollectedFiles : public ProcessTest {
 protected:
  void prepare(const std::string& more = "") {
    write_matrix({1, 2});
    write("profile.yaml", "gpus: ignore\nauth: key\n" + more);
    write("x.sh", std::string(kGoodBenchmark) + kLeavesFiles, true);
  }
  std::vector<std::string> command() const {
    return {"sweepctl", "run", "--profile", "profile.yaml", "--output", "out", "matrix.yaml", "--", "./x.sh"};
  }
  std::vector<std::string> spool() const { return {"TMPDIR=" + path("")}; }
  /// Returns RESULT_FILENAME of the point with that concurrency.
  std::string name(int conc) const {
    for (const auto& entry : fs::directory_iterator(directory_ / "out/raw")) {
      const std::string stem = entry.path().stem().string();
      if (stem.find("conc" + std::to_string(conc) + "_") != std::string::npos) return stem;
    }
    return "none";
  }
  std::vector<std::string> raw(int conc) const { return files_below(directory_ / "out/raw" / name(conc)); }
  std::vector<std::string> logs(int conc) const { return files_below(directory_ / "out/logs" / name(conc)); }
};

TEST_F(CollectedFiles, ArriveUnderTheNameOfTheirPoint) {
  prepare();
  Program run(directory_, command(), spool());
  ASSERT_EQ(run.finish(), 0) << run.err();
  for (const int conc : {1, 2}) {
    const std::string c = std::to_string(conc);
    EXPECT_THAT(raw(conc),
                UnorderedElementsAre("gpu_metrics.csv", "gpu_metrics_energy_start.csv", "meta_env.json",
                                     "results_" + c + ".json", "samples_" + c + ".jsonl",
                                     "results/aiperf_artifacts/profile.csv"));
    EXPECT_EQ(read("out/raw/" + name(conc) + "/gpu_metrics.csv"), "timestamp, index\n" + c + "\n");
    EXPECT_EQ(read("out/raw/" + name(conc) + "/meta_env.json"), "{\"conc\": " + c + "}\n");
    EXPECT_EQ(read("out/logs/" + name(conc) + "/results/benchmark.log"), "benchmark of " + c + "\n");
  }
  // The server.log of point 1 was still there when point 2 ran.
  EXPECT_THAT(logs(1), UnorderedElementsAre("server.log", "results/benchmark.log"));
  EXPECT_THAT(logs(2), ElementsAre("results/benchmark.log"));
  const json point = points_of(read("out/manifest.json"))[0];
  EXPECT_EQ(point.at("files"), json({"raw/" + name(1), "logs/" + name(1)}));
  EXPECT_EQ(point.at("attempts")[0].at("files").at("collected"), 8);
  EXPECT_FALSE(exists("out/.incoming"));
  EXPECT_FALSE(exists(".slurm-sweep"));
}

TEST_F(CollectedFiles, AreNotCollectedAboveTheLimitAndTheManifestSaysWhy) {
  prepare("artifact-limit: 20\n");
  Program run(directory_, command(), spool());
  ASSERT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(raw(1), ElementsAre());
  const json files = points_of(read("out/manifest.json"))[0].at("attempts")[0].at("files");
  EXPECT_EQ(files.at("collected"), 0);
  EXPECT_THAT(files.at("left_out")[0].get<std::string>(), HasSubstr("(artifact-limit)"));
}

TEST_F(CollectedFiles, LinksAreNotFollowed) {
  prepare();
  write("secret", "secret");
  write("x.sh",
        std::string(kGoodBenchmark) +
            "ln -sf $PWD/secret meta_env.json; ln -sfn / \"$RESULT_DIR/root\"\n"
            "mkfifo \"$RESULT_DIR/fifo\"; echo >server.log\n",
        true);
  Program run(directory_, command(), spool());
  ASSERT_EQ(run.finish(), 0) << run.err();
  EXPECT_THAT(raw(1), ElementsAre());
  EXPECT_THAT(logs(1), ElementsAre("server.log"));
  EXPECT_THAT(points_of(read("out/manifest.json"))[0].at("attempts")[0].at("files").at("left_out").dump(),
              HasSubstr("meta_env.json: not a regular file"));
}

/// Waits until `name` is created in `folder`.
bool wait_for_creation(const std::string& folder, const std::string& name) {
  const Fd fd(::inotify_init1(IN_CLOEXEC));
  if (::inotify_add_watch(fd.get(), folder.c_str(), IN_CREATE) < 0) return false;
  alignas(inotify_event) char buffer[4096];
  while (!fs::exists(folder + "/" + name)) {
    if (::read(fd.get(), buffer, sizeof buffer) <= 0) return false;
  }
  return true;
}

constexpr std::uintmax_t kLarge = 64'000'000;

std::string leaves_a_large_file() {
  return std::string(kGoodBenchmark) +
         "echo $CONC >>starts\nmkdir -p $RESULT_DIR; truncate -s 64000000 $RESULT_DIR/large; echo end >$RESULT_DIR/z\n";
}

std::uintmax_t size_of_incoming(const fs::path& out) {
  std::uintmax_t sum = 0;
  for (const std::string& file : files_below(out / ".incoming"))
    sum += fs::file_size(out / ".incoming" / file);
  return sum;
}

TEST_F(CollectedFiles, SurviveTheDeathOfControllerAndAgentInTheMiddle) {
  prepare();
  write_matrix({1});
  write("x.sh", leaves_a_large_file(), true);
  fs::create_directory(path("out"));
  Program run(directory_, command(), spool());
  ASSERT_TRUE(wait_for_creation(path("out"), ".incoming"));
  run.signal(SIGKILL);
  EXPECT_EQ(run.finish(), -SIGKILL);
  EXPECT_LT(size_of_incoming(path("out")), kLarge) << "the transfer was over too soon for this test";
  EXPECT_THAT(raw(1), ElementsAre());
  Program resume(
      directory_,
      {"sweepctl", "run", "--profile", "profile.yaml", "--resume", "--output", "out", "--", "./x.sh"},
      spool());
  EXPECT_EQ(resume.finish(), 0) << resume.err();
  ASSERT_THAT(raw(1), UnorderedElementsAre("results/large", "results/z"));
  EXPECT_EQ(fs::file_size(path("out/raw/" + name(1) + "/results/large")), kLarge);
  EXPECT_FALSE(exists("out/.incoming"));
}

class SupervisedFiles : public Supervised {};

TEST_F(SupervisedFiles, ArriveAlthoughTheControllerIsKilledInTheMiddle) {
  write("waits.sh", leaves_a_large_file(), true);
  begin_agent();
  ASSERT_TRUE(wait_for_creation(path("out"), ".incoming"));
  kill_controller();
  ASSERT_TRUE(serve_->wait_for_error("the controller died (SIGKILL) and was restarted in ")) << serve_->err();
  EXPECT_EQ(agent_->finish(), 0) << agent_->err();
  EXPECT_EQ(serve_->finish(), 0) << serve_->err();
  EXPECT_EQ(read("starts"), "1\n2\n") << "a point was run again";
  int large = 0;
  for (const std::string& file : files_below(path("out/raw"))) {
    if (!file.ends_with("/results/large")) continue;
    ++large;
    EXPECT_EQ(fs::file_size(path("out/raw/" + file)), kLarge);
  }
  EXPECT_EQ(large, 2);
}

}  // namespace
}  // namespace sweep
