// controller/matrix: `repeat` and --repeat.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/inferencemax/expand.hpp"
#include "controller/matrix/load.hpp"
#include "tests/unit/matrix_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string repeated_entry(const std::string& key, const std::string& repeat) {
  return key + ":\n  image: i\n  model: org/M\n" + repeat +
         "  search-space:\n  - { tp: 4, conc-start: 4, conc-end: 8 }\n";
}

std::vector<std::string> points(const std::string& yaml, std::int64_t repeat = 0) {
  const auto configs = configs_of(yaml);
  if (!configs) return {configs.error().message};
  FullSweep sweep;
  sweep.repeat = repeat;
  const auto matrix = expand_full_sweep(*configs, sweep);
  if (!matrix) return {matrix.error().message};
  std::vector<std::string> out;
  for (const auto& one : *matrix)
    out.push_back(one["framework"].get<std::string>() + one["conc"].dump());
  return out;
}

TEST(Repeat, RepeatsPointsInFullPasses) {
  EXPECT_THAT(points(repeated_entry("m-fp8-h100-x", "  repeat: 3\n") +
                     repeated_entry("m-fp8-h100-y", "  repeat: 2\n") + repeated_entry("m-fp8-h100-z", "")),
              ElementsAre("x4", "x8", "y4", "y8", "z4", "z8", "x4", "x8", "y4", "y8", "x4", "x8"));
}

TEST(Repeat, CommandLineOverridesTheEntry) {
  const std::string yaml =
      repeated_entry("m-fp8-h100-x", "  repeat: 3\n") + repeated_entry("m-fp8-h100-z", "");
  EXPECT_THAT(points(yaml, 1), ElementsAre("x4", "x8", "z4", "z8"));
  EXPECT_THAT(points(yaml, 2), ElementsAre("x4", "x8", "z4", "z8", "x4", "x8", "z4", "z8"));
}

TEST(Repeat, RepeatWorksInTheContractsForm) {
  EXPECT_EQ(points(changed("  runner: h100\n", "  runner: h100\n  repeat: 2\n")).size(),
            2 * points(kSample).size());
}

TEST(Repeat, RejectsInvalidRepeat) {
  for (const char* wrong : {"0", "-1", "1001", "true"})
    EXPECT_THAT(error_in(repeated_entry("m-fp8-h100-x", std::string("  repeat: ") + wrong + "\n")),
                HasSubstr("'repeat' must be between 1 and 1000 in key 'm-fp8-h100-x'"))
        << wrong;
  EXPECT_THAT(error_in(repeated_entry("m-fp8-h100-x", "  repeat: two\n")), HasSubstr("'repeat' must be int"));
}

TEST(Repeat, RejectsTooManyPoints) {
  const auto configs = configs_of(changed("conc-end: 16", "conc-end: 900000000000000"));
  ASSERT_TRUE(configs);
  std::vector<Config> many(8'000, configs->front());
  FullSweep sweep;
  sweep.repeat = 3;
  const auto matrix = expand_full_sweep(many, sweep);
  ASSERT_FALSE(matrix);
  EXPECT_THAT(matrix.error().message,
              HasSubstr("More than 1000000 points in the matrix (at repeat 3): narrow it"));
}

}  // namespace
}  // namespace sweep::matrix
