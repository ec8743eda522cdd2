// controller/profile: the benchmark template and its placeholders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "controller/profile/benchmark.hpp"
#include "controller/profile/workspace_script.hpp"
#include "proto/base/inferencex_entry.hpp"

namespace sweep::profile {
namespace {

using testing::ElementsAre;

Point sample_point() {
  Point point;
  point.exp_name = "dsr1_1k1k";
  point.precision = "fp4";
  point.runner = "b200-nvd_0";
  point.framework = "trt";
  return point;
}

std::vector<std::string> words(const std::string& benchmark, const Point& point = sample_point()) {
  Profile profile;
  profile.benchmark = benchmark;
  const auto command = benchmark_command(profile, point);
  return command ? *command : std::vector<std::string>{"error: " + command.error().message};
}

TEST(BenchmarkTemplate, DefaultIsTheContractsScript) {
  const std::string standard = Profile{}.benchmark;
  EXPECT_THAT(words(standard), ElementsAre("benchmarks/dsr1_fp4_b200_trt_slurm.sh"));
  Point point = sample_point();
  point.framework = "sglang";
  point.runner = "h200";
  EXPECT_THAT(words(standard, point), ElementsAre("benchmarks/dsr1_fp4_h200_slurm.sh"));
}

TEST(BenchmarkTemplate, FillsEveryPlaceholder) {
  EXPECT_THAT(words("{model-prefix} {precision} {hw} {runner} {framework} x{framework-suffix} {exp-name}"),
              ElementsAre("dsr1", "fp4", "b200", "b200-nvd_0", "trt", "x_trt", "dsr1_1k1k"));
}

TEST(BenchmarkTemplate, RecipeFilesAreFoundByTheirPointAndReadOnce) {
  Profile profile;
  profile.benchmark = "recipes/{model-prefix}_{precision}_{hw}_{framework}.yaml";
  profile.benchmark_folder = testing::TempDir() + "recipes-test";
  const std::string folder = profile.benchmark_folder + "/recipes/";
  std::filesystem::create_directories(folder);
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder + name) << text;
  };
  const std::string rest = ", env: [], ready: {log: up}}\nclient: {command: ";
  write("dsr1_fp4_b200_trt.yaml", "server: {command: trt" + rest + "ctrt}\n");
  write("dsr1_fp4_b200_sglang.yaml", "server: {command: sgl" + rest + "csgl}\n");
  Point other = sample_point();
  other.framework = "sglang";
  EXPECT_EQ(recipe_of(profile, other), nullptr) << "not read yet";
  EXPECT_FALSE(benchmark_command(profile, other));
  ASSERT_TRUE(load_recipes(profile, {sample_point(), other, sample_point()}));
  EXPECT_EQ(profile.recipes.size(), 2u);
  EXPECT_EQ(recipe_of(profile, sample_point())->server.command, "trt");
  EXPECT_THAT(*benchmark_command(profile, other), ElementsAre("bash", "-c", "csgl"));

  other.framework = "vllm";
  write("dsr1_fp4_b200_vllm.yaml", "server: {command: x}\n");
  const auto wrong = load_recipes(profile, {other});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message,
              testing::HasSubstr("dsr1_fp4_b200_vllm.yaml:1: the recipe's 'server' has no"));
  std::filesystem::remove_all(profile.benchmark_folder);
}

TEST(BenchmarkTemplate, PointWithoutARecipeRunsTheScriptOfTheCheckout) {
  Profile profile;
  profile.benchmark = "{framework}.yaml";
  profile.benchmark_folder = testing::TempDir() + "recipes-gap-test";
  std::filesystem::create_directories(profile.benchmark_folder);
  std::ofstream(profile.benchmark_folder + "/trt.yaml")
      << "server: {command: trt, env: [], ready: {log: up}}\nclient: {command: ctrt}\n";
  Point other = sample_point();
  other.framework = "vllm";
  ASSERT_TRUE(load_recipes(profile, {sample_point(), other}));
  EXPECT_EQ(recipe_gap_text(profile, sample_point()), "");
  EXPECT_FALSE(runs_workspace_script(profile, sample_point()));
  EXPECT_EQ(recipe_gap_text(profile, other),
            "there is no recipe '" + profile.benchmark_folder + "/vllm.yaml'");
  EXPECT_EQ(recipe_of(profile, other), nullptr);
  EXPECT_EQ(*benchmark_command(profile, other), workspace_script_command(other));
  EXPECT_EQ(benchmark_mount(profile, other), "")
      << "the folder of the recipes is not needed in its container";
  EXPECT_THAT(recipes_beside(profile, other), ElementsAre("trt"));
  std::filesystem::remove_all(profile.benchmark_folder);
}

TEST(BenchmarkTemplate, RecipeRunsAnEvaluatedPointOnlyIfItHasAnEvaluation) {
  Profile profile;
  profile.recipe.server.command = "s";
  profile.recipe.client = "c";
  Point point = sample_point();
  EXPECT_EQ(recipe_gap_text(profile, point), "");
  for (const bool only : {false, true}) {
    InferenceXEntry entry;
    (only ? entry.eval_only : entry.run_eval) = true;
    point.inferencex = std::make_shared<const InferenceXEntry>(entry);
    profile.recipe.eval.clear();
    EXPECT_EQ(recipe_gap_text(profile, point), "the recipe has no 'eval'");
    EXPECT_EQ(*benchmark_command(profile, point), workspace_script_command(point));
    profile.recipe.eval = "e";
    EXPECT_EQ(recipe_gap_text(profile, point), "");
    EXPECT_EQ(recipe_of(profile, point), &profile.recipe);
  }
  profile.recipe.eval.clear();
  point.inferencex = std::make_shared<const InferenceXEntry>();
  EXPECT_EQ(recipe_of(profile, point), &profile.recipe);
}

TEST(BenchmarkTemplate, OnlyPointsOfInferenceXHaveAScenarioFolder) {
  Point point = sample_point();
  EXPECT_THAT(words("r/{scenario-dir}/x", point), ElementsAre("r//x"));
  InferenceXEntry entry;
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  EXPECT_THAT(words("r/{scenario-dir}/x", point), ElementsAre("r/fixed_seq_len/x"));
  entry.agentic = true;
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  EXPECT_THAT(words("r/{scenario-dir}/x", point), ElementsAre("r/agentic/x"));
}

TEST(BenchmarkTemplate, SplitsOnlyAtBlanksOfTheTemplate) {
  Point point = sample_point();
  point.framework = "two words";
  point.precision = "{hw}";
  EXPECT_THAT(words("  run.sh\t--fw={framework}\n{precision} ", point),
              ElementsAre("run.sh", "--fw=two words", "{hw}"));
}

TEST(BenchmarkTemplate, NamesAnUnknownPlaceholder) {
  EXPECT_THAT(
      words("{framwork}"),
      ElementsAre(
          "error: unknown placeholder {framwork} in the profile's 'benchmark'; did you mean {framework}?"));
  EXPECT_THAT(words("{}"), ElementsAre(testing::HasSubstr("known: {exp-name}, {framework}, ")));
  EXPECT_THAT(words("run {hw"), ElementsAre("run", "{hw")) << "an open brace is a character";
}

TEST(BenchmarkTemplate, MustNameAProgram) {
  EXPECT_THAT(words("  "), ElementsAre("error: the profile's 'benchmark' is empty; it must name a program"));
}

TEST(BenchmarkTemplate, OnlyAFirstWordWithADotIsRelativeToTheProfile) {
  Profile profile;
  profile.benchmark_folder = "/site dir/conf";
  const auto first = [&](const std::string& benchmark) {
    profile.benchmark = benchmark;
    return *benchmark_command(profile, sample_point());
  };
  EXPECT_THAT(first("../bin/{hw}.sh ./x"), ElementsAre("/site dir/bin/b200.sh", "./x"));
  EXPECT_THAT(first("./run.sh"), ElementsAre("/site dir/conf/run.sh"));
  EXPECT_THAT(first("benchmarks/run.sh"), ElementsAre("benchmarks/run.sh"));
  EXPECT_THAT(first("run"), ElementsAre("run"));
}

}  // namespace
}  // namespace sweep::profile
