// controller/profile: the benchmark template and its placeholders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/profile.hpp"

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

TEST(BenchmarkTemplate, TheDefaultIsTheContractsScript) {
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

TEST(BenchmarkTemplate, SplitsAtItsOwnBlanksOnly) {
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
  EXPECT_THAT(words("{}"), ElementsAre(testing::HasSubstr("known are {exp-name}, {framework}, ")));
  EXPECT_THAT(words("run {hw"), ElementsAre("run", "{hw")) << "an open brace is a character";
}

TEST(BenchmarkTemplate, MustNameAProgram) {
  EXPECT_THAT(words("  "), ElementsAre("error: the profile's 'benchmark' is empty; it must name a program"));
}

TEST(BenchmarkTemplate, OnlyAFirstWordWithADotStartsAtTheProfilesFolder) {
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
