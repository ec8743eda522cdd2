// Points without a recipe or a script: it is known before anything is allocated what runs them, or that nothing can.
#include "controller/io/benchmark_gaps.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/load_profile.hpp"
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using testing::StartsWith;

constexpr const char* kSglangRecipe =
    "server: { command: s, env: [], ready: { url: / } }\nclient: { command: c }\n";
constexpr const char* kScripts = "benchmarks/single_node/fixed_seq_len/";

ordered_json entry_with(const std::string& framework, int conc, const char* more = "{}") {
  ordered_json entry = ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1",
      "precision": "fp4", "runner": "b200", "isl": 8192, "osl": 1024, "tp": 4, "max-model-len": 9472, "ep": 1,
      "dp-attn": false, "spec-decoding": "none", "exp-name": "dsr1_8k1k", "disagg": false})");
  entry["framework"] = framework;
  entry["conc"] = conc;
  entry.update(ordered_json::parse(more));
  return entry;
}

class Gaps : public OpeningTest {
 protected:
  void SetUp() override {
    OpeningTest::SetUp();
    ASSERT_TRUE(make_directories(path("ws/" + std::string(kScripts))));
    ASSERT_TRUE(make_directories(path("recipes")));
    put("recipes/sglang.yaml", kSglangRecipe);
  }

  void put_script(const std::string& name) const { put("ws/" + std::string(kScripts) + name, ""); }

  /// Returns the gaps of these entries with a profile of this text, which is line 1 of a file p.yaml.
  BenchmarkGaps gaps_of(const std::vector<ordered_json>& entries, const std::string& profile) {
    auto plan = plan_of(entries, profile);
    const auto gaps = find_benchmark_gaps(plan, folder_);
    EXPECT_TRUE(gaps) << gaps.error().message;
    return gaps.value_or(BenchmarkGaps{});
  }

  Plan plan_of(const std::vector<ordered_json>& entries, const std::string& text) {
    auto profile = profile::load_profile({put("p.yaml", text)});
    EXPECT_TRUE(profile) << profile.error().message;
    auto points = make_points(entries);
    EXPECT_TRUE(points) << points.error().message;
    const auto loaded = profile::load_recipes(*profile, *points);
    EXPECT_TRUE(loaded) << loaded.error().message;
    auto plan = plan_points(std::move(*points), std::move(*profile));
    EXPECT_TRUE(plan) << plan.error().message;
    return plan.value_or(Plan{});
  }

  const std::string kBoth = "{ workspace: ws, benchmark: './recipes/{framework}.yaml' }\n";
};

TEST_F(Gaps, PointsWithARecipeHaveNone) {
  const auto gaps = gaps_of({entry_with("sglang", 1), entry_with("sglang", 2)}, kBoth);
  EXPECT_THAT(gaps.notes, IsEmpty());
  EXPECT_THAT(gaps.errors, IsEmpty());
  EXPECT_EQ(gaps.runnable, 2U);
}

TEST_F(Gaps, ScriptThatReplacesARecipeIsNamedOnceForAllItsPoints) {
  put_script("dsr1_fp4_b200.sh");
  const auto gaps = gaps_of({entry_with("sglang", 1), entry_with("vllm", 1), entry_with("vllm", 2)}, kBoth);
  EXPECT_THAT(gaps.notes,
              ElementsAre("2 points (such as dsr1_8k1k fp4 vllm b200 tp4 conc1) run "
                          "benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200.sh of the workspace '" +
                          path("ws") + "': there is no recipe '" + path("recipes/vllm.yaml") + "'"));
  EXPECT_THAT(gaps.errors, IsEmpty());
  EXPECT_EQ(gaps.runnable, 3U);
}

TEST_F(Gaps, PointWithNeitherIsAnErrorThatNamesAllFilesInTheirOrder) {
  const auto gaps = gaps_of({entry_with("sglang", 1), entry_with("trt", 1)}, kBoth);
  EXPECT_THAT(gaps.notes, IsEmpty());
  EXPECT_THAT(
      gaps.errors,
      ElementsAre(
          "cannot run 1 point (dsr1_8k1k fp4 trt b200 tp4 conc1): there is no recipe '" +
          path("recipes/trt.yaml") +
          "', and none of benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_trt.sh, "
          "benchmarks/dsr1_fp4_b200_trt_slurm.sh, benchmarks/dsr1_fp4_b200_trt_docker.sh exists in the "
          "workspace '" +
          path("ws") +
          "'; write the recipe (others in its folder: sglang), correct 'workspace' in the profile (" +
          path("p.yaml") + ":1), or select other points"));
  EXPECT_EQ(gaps.broken, 1U);
  EXPECT_EQ(gaps.runnable, 1U);
}

TEST_F(Gaps, EvalNeedsTheScript) {
  const std::vector<ordered_json> entries = {entry_with("sglang", 16, R"({"run-eval": true})")};
  EXPECT_THAT(
      gaps_of(entries, kBoth).errors,
      ElementsAre(testing::AllOf(HasSubstr("' has no 'eval', and none of benchmarks/"),
                                 HasSubstr("; add 'eval: { command: ... }' to the recipe, leave out evals "
                                           "(--select '--no-evals'), correct"))));
  put_script("dsr1_fp4_b200_sglang.sh");
  EXPECT_THAT(gaps_of(entries, kBoth).notes, ElementsAre(HasSubstr("sglang.yaml' has no 'eval'")));
}

TEST_F(Gaps, WorkspaceThatIsNotHereMayBeOnTheNodes) {
  const auto gaps =
      gaps_of({entry_with("vllm", 1)}, "{ workspace: /no/ws, benchmark: './recipes/{framework}.yaml' }");
  EXPECT_THAT(gaps.notes, ElementsAre(HasSubstr(
                              "runs the first of benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200_vllm.sh, "
                              "benchmarks/single_node/fixed_seq_len/dsr1_fp4_b200.sh, ")));
  EXPECT_THAT(gaps.notes[0],
              HasSubstr(" exists in the workspace '/no/ws', which is not on this host: there is no recipe"));
  EXPECT_THAT(gaps.errors, IsEmpty());
  EXPECT_THAT(gaps_of({entry_with("vllm", 1)}, "workspace: /no/ws\n").notes, IsEmpty())
      << "no recipe was asked for";
}

TEST_F(Gaps, ScriptOfTheDefaultBenchmarkHasToExist) {
  put_script("dsr1_fp4_b200_vllm.sh");
  const auto gaps = gaps_of({entry_with("vllm", 1), entry_with("sglang", 1)}, "workspace: ws\n");
  EXPECT_THAT(gaps.notes, IsEmpty());
  EXPECT_THAT(gaps.errors,
              ElementsAre(StartsWith(
                  "cannot run 1 point (dsr1_8k1k fp4 sglang b200 tp4 conc1): none of benchmarks/")));
}

TEST_F(Gaps, ScriptsThatWriteToAnotherPlaceThanTheWorkspaceAreNamedOnce) {
  const std::string text = "run_benchmark_serving --result-dir /workspace/\n";
  put("ws/" + std::string(kScripts) + "dsr1_fp4_b200_vllm.sh", text);
  put("ws/" + std::string(kScripts) + "dsr1_fp4_b200_sglang.sh", text);
  put("ws/" + std::string(kScripts) + "dsr1_fp4_b200_trt.sh", "run_benchmark_serving --result-dir $PWD\n");
  const std::vector<ordered_json> entries = {entry_with("trt", 1), entry_with("vllm", 1),
                                             entry_with("sglang", 1)};
  EXPECT_THAT(
      gaps_of(entries, "workspace: ws\n").notes,
      ElementsAre(
          "2 points (such as dsr1_8k1k fp4 vllm b200 tp4 conc1) run scripts that write to /workspace, "
          "but the profile has no container, and the workspace '" +
          path("ws") +
          "' is not there; set container: { runtime: auto } in the profile, or mount the checkout at "
          "/workspace"));
  EXPECT_THAT(gaps_of(entries, "{ workspace: ws, container: { runtime: enroot } }").notes, IsEmpty());
}

TEST_F(Gaps, AgenticScriptsWriteToAnotherPlaceUnlessAVariableSaysOtherwise) {
  const std::vector<ordered_json> entries = {entry_with(
      "vllm", 1,
      R"({"scenario-type": "agentic-coding", "kv-offloading": "none", "total-cpu-dram-gb": 0, "duration": 60})")};
  ASSERT_TRUE(make_directories(path("ws/benchmarks/single_node/agentic")));
  put("ws/benchmarks/single_node/agentic/dsr1_fp4_b200.sh", "source ../../benchmark_lib.sh\n");
  EXPECT_THAT(gaps_of(entries, "workspace: ws\n").notes,
              ElementsAre(HasSubstr(" runs a script that writes to /workspace")));
  EXPECT_THAT(gaps_of(entries, "{ workspace: ws, env: { INFMAX_CONTAINER_WORKSPACE: /x } }").notes,
              IsEmpty());
}

TEST_F(Gaps, WithoutAWorkspaceItIsTheWorkingDirectory) {
  const auto gaps = gaps_of({entry_with("vllm", 1)}, "benchmark: './recipes/{framework}.yaml'");
  EXPECT_THAT(gaps.errors, ElementsAre(HasSubstr(" exists in the working directory '" + folder_ + "'; ")));
  EXPECT_THAT(gaps.errors,
              ElementsAre(HasSubstr("set 'workspace' in the profile to a checkout of InferenceX")));
}

TEST_F(Gaps, PointOfInferenceMaxRunsItsScriptToo) {
  ordered_json entry = sample_entry(8, 1);
  entry["framework"] = "trt";
  EXPECT_THAT(gaps_of({entry}, kBoth).errors, ElementsAre(HasSubstr("none of benchmarks/dsr1_fp4_")));
}

TEST_F(Gaps, GangsAreNotCounted) {
  const auto gaps = gaps_of({entry_with("sglang", 1, R"({"conc": [1], "prefill": {"num-worker": 1, "tp": 4},
                                       "decode": {"num-worker": 1, "tp": 8}})")},
                            kBoth);
  EXPECT_THAT(gaps.errors, IsEmpty());
  EXPECT_EQ(gaps.runnable, 0U);
}

TEST_F(Gaps, SweepIsRefusedOnlyIfNoPointIsLeft) {
  std::vector<std::string> notes;
  const BenchmarkCommand command = {{"sweep-agent"}, folder_};
  EXPECT_TRUE(
      check_benchmark_gaps(plan_of({entry_with("sglang", 1), entry_with("trt", 1)}, kBoth), command, notes));
  EXPECT_THAT(notes, ElementsAre(StartsWith("cannot run 1 point")));
  const Plan none = plan_of({entry_with("trt", 1)}, kBoth);
  const auto refused = check_benchmark_gaps(none, command, notes);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, StartsWith("cannot run 1 point"));
  EXPECT_TRUE(check_benchmark_gaps(none, {{"./bench.sh"}, folder_}, notes))
      << "the profile's benchmark is not run";
}

}  // namespace
}  // namespace sweep
