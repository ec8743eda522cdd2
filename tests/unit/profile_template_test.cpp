// controller/profile: the benchmark template and its placeholders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "controller/profile/benchmark.hpp"

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
  EXPECT_EQ(recipe_of(profile, sample_point())->server, "trt");
  EXPECT_THAT(*benchmark_command(profile, other), ElementsAre("bash", "-c", "csgl"));

  other.framework = "vllm";
  const auto missing = load_recipes(profile, {sample_point(), other});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, testing::HasSubstr("dsr1_fp4_b200_vllm.yaml"));
  EXPECT_THAT(missing.error().message, testing::HasSubstr("the recipe of dsr1_1k1k fp4 vllm"));
  EXPECT_THAT(missing.error().message, testing::StartsWith("1 of 2 points has no recipe: there is no '"));
  EXPECT_THAT(missing.error().message, testing::EndsWith("': dsr1_fp4_b200_sglang, dsr1_fp4_b200_trt"));
  write("dsr1_fp4_b200_vllm.yaml", "server: {command: x}\n");
  const auto wrong = load_recipes(profile, {other});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message,
              testing::HasSubstr("dsr1_fp4_b200_vllm.yaml:1: the recipe's 'server' has no"));
  std::filesystem::remove_all(profile.benchmark_folder);
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
