// controller/power/integrate and integration: energy over a window, and what makes a stream unusable.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/power/csv_rows.hpp"
#include "controller/power/integration.hpp"
#include "controller/power/metrics.hpp"
#include "util/json.hpp"

namespace sweep::power {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

using Samples = std::vector<Sample>;

TEST(WindowEnergy, EndsAreInterpolated) {
  // From 100 W to 200 W within 10 s: 3 s around the middle have 150 W on average.
  EXPECT_DOUBLE_EQ(window_energy(Samples{{0, 100}, {10, 200}}, 3.5, 6.5), 450);
  EXPECT_DOUBLE_EQ(window_energy(Samples{{0, 100}, {5, 100}, {6, 300}, {10, 300}}, 4, 8), 100 + 200 + 600);
}

TEST(WindowEnergy, SampleAtTheEndCounts) {
  EXPECT_DOUBLE_EQ(window_energy(Samples{{0, 100}, {5, 300}, {9, 999}}, 0, 5), 1000);
}

TEST(LargestGap, CountsFromTheSampleBeforeTheWindowToTheOneAfter) {
  const Samples samples = {{0, 1}, {8, 1}, {10, 1}, {11, 1}, {15, 1}, {40, 1}};
  EXPECT_DOUBLE_EQ(largest_gap(samples, 9, 12), 4);
  EXPECT_DOUBLE_EQ(largest_gap(samples, 10, 11), 1);
  EXPECT_DOUBLE_EQ(largest_gap(samples, 5, 9), 8);
}

TEST(WholeEnergy, IsFromFirstToLast) {
  EXPECT_DOUBLE_EQ(whole_energy(Samples{{0, 100}, {2, 200}, {4, 0}}), 300 + 200);
  EXPECT_DOUBLE_EQ(whole_energy(Samples{{1, 5}}), 0);
}

constexpr Benchmark kBenchmark{100, 110, 10, 5, 1000, 100};

std::int64_t zone_of_window(std::int64_t) {
  return 0;
}

Integration integrated(const std::string& rows, std::optional<std::int64_t> gpus) {
  GpuStream stream("m.csv", kBenchmark.start, kBenchmark.end, zone_of_window);
  CsvRows csv(CsvRows::Blanks::SkipAfterComma,
              [&](std::span<const std::string> row, std::size_t line) { stream.take(row, line); });
  csv.feed("time,index,power\n" + rows);
  csv.finish();
  stream.finish();
  Integration out = begin_integration(gpus);
  integrate(stream, kBenchmark, out);
  return out;
}

// One sample each second from `first` to `last`.
std::string steady(int gpu, int first, int last, int watts) {
  std::string out;
  for (int time = first; time <= last; ++time)
    out += std::to_string(time) + "," + std::to_string(gpu) + "," + std::to_string(watts) + "\n";
  return out;
}

TEST(Integration, SumsTheGpus) {
  const Integration got = integrated(steady(0, 99, 111, 100) + steady(1, 99, 111, 300), 2);
  EXPECT_THAT(got.reasons.all(), IsEmpty());
  EXPECT_THAT(got.energy, ElementsAre(Pair("0", 1000.0), Pair("1", 3000.0)));
  EXPECT_DOUBLE_EQ(got.total_energy, 4000);
  EXPECT_THAT(got.samples, ElementsAre(Pair("0", 13U), Pair("1", 13U)));
  EXPECT_THAT(got.largest_gap, ElementsAre(Pair("0", 1.0), Pair("1", 1.0)));
}

TEST(Integration, NumberOfGpusMustBeExpected) {
  const Integration got = integrated(steady(0, 99, 111, 100), 2);
  EXPECT_THAT(got.reasons.all(), ElementsAre("expected_gpu_count_mismatch"));
  EXPECT_THAT(got.notes, ElementsAre("the stream has 1 GPU (0), expected 2"));
  EXPECT_THAT(integrated(steady(0, 99, 111, 100), std::nullopt).reasons.all(), IsEmpty());
}

TEST(Integration, ExpectedNumberMustBePositive) {
  EXPECT_THAT(integrated(steady(0, 99, 111, 100), 0).reasons.all(),
              ElementsAre("invalid_expected_gpu_count"));
  EXPECT_THAT(integrated(steady(0, 99, 111, 100), -1).reasons.all(),
              ElementsAre("invalid_expected_gpu_count"));
}

TEST(Integration, EachGpuHasItsOwnIssues) {
  const Integration got = integrated(
      steady(0, 99, 111, 100) + steady(1, 101, 111, 100) + steady(2, 99, 109, 100) + "105,3,100\n", 4);
  EXPECT_THAT(got.reasons.all(), ElementsAre("benchmark_window_not_bracketed", "insufficient_power_samples"));
  EXPECT_THAT(got.issues, ElementsAre(Pair("1", ElementsAre("benchmark_window_not_bracketed")),
                                      Pair("2", ElementsAre("benchmark_window_not_bracketed")),
                                      Pair("3", ElementsAre("insufficient_power_samples"))));
  EXPECT_THAT(got.notes[0], HasSubstr("GPU 1: the first sample is 1.000 s after the start"));
  EXPECT_THAT(got.notes[1], HasSubstr("GPU 2: the last sample is 1.000 s before the end"));
  EXPECT_THAT(got.energy, ElementsAre(Pair("0", 1000.0)));
}

TEST(Integration, GapOfMoreThanThreeSecondsIsTooLong) {
  EXPECT_THAT(integrated(steady(0, 99, 103, 100) + steady(0, 106, 111, 100), 1).reasons.all(), IsEmpty());
  const Integration got = integrated(steady(0, 99, 103, 100) + steady(0, 107, 111, 100), 1);
  EXPECT_THAT(got.reasons.all(), ElementsAre("sampling_gap_exceeded"));
  EXPECT_THAT(got.largest_gap, ElementsAre(Pair("0", 4.0)));
  EXPECT_THAT(got.energy, ElementsAre(Pair("0", 1000.0)));  // computed all the same
}

std::optional<std::int64_t> fitting(const std::string& first, const std::string& last, std::int64_t assumed) {
  const Benchmark benchmark{1700000000, 1700000100, 100, 1, 1, 1};  // 2023-11-14 22:13:20 UTC
  GpuStream stream("m.csv", benchmark.start, benchmark.end, [&](std::int64_t) { return assumed; });
  const std::vector<std::string> header = {"time", "index", "power"};
  stream.take(header, 1);
  for (const std::string& time : {first, last})
    stream.take(std::vector<std::string>{time, "0", "1"}, 2);
  stream.finish();
  return fitting_offset(stream, benchmark, assumed);
}

TEST(FittingOffset, IsTheZoneInWhichTheStreamCoversTheWindow) {
  EXPECT_EQ(fitting("2023/11/15 07:13:00", "2023/11/15 07:16:00", 0), 9 * 3600);
  EXPECT_EQ(fitting("2023/11/14 22:13:00", "2023/11/14 22:16:00", 9 * 3600), 0);
  EXPECT_EQ(fitting("2023/11/15 03:43:00", "2023/11/15 03:46:00", 0), 5 * 3600 + 1800);
}

TEST(FittingOffset, IsNoneIfTheTimesFitOrNeverFit) {
  EXPECT_EQ(fitting("2023/11/14 22:13:00", "2023/11/14 22:16:00", 0), std::nullopt);
  EXPECT_EQ(fitting("2023/11/14 22:13:00", "2023/11/14 22:13:30", 0), std::nullopt);
  EXPECT_EQ(fitting("1700032400", "1700032600", 0), std::nullopt);  // a number has no zone
}

TEST(Metrics, DivideEnergyByWindowAndCounts) {
  const Metrics got = deployment_metrics(4000, 2, kBenchmark);
  EXPECT_THAT(got, ElementsAre(Pair("avg_power_w", 200.0), Pair("avg_total_gpu_power_w", 400.0),
                               Pair("total_gpu_energy_j", 4000.0), Pair("joules_per_successful_query", 800.0),
                               Pair("joules_per_input_token", 4.0), Pair("joules_per_output_token", 40.0),
                               Pair("joules_per_total_token", 4000.0 / 1100)));
}

using Json = nlohmann::ordered_json;

TEST(PatchResult, ReplacesMetricsOfAnEarlierRun) {
  Json result = {
      {"hw", "z"}, {"avg_power_w", 1}, {"power_valid", 0}, {"power_invalid_reasons", {"a"}}, {"x", 2}};
  ASSERT_TRUE(patch_result(result, true, {{"avg_power_w", 1.23456}, {"joules_per_input_token", 1.23456789}},
                           Roles::Keep));
  EXPECT_EQ(result.dump(),
            R"({"hw":"z","power_valid":1,"x":2,"power_metric_schema_version":2,"avg_power_w":1.235,)"
            R"("joules_per_input_token":1.234568})");
}

TEST(PatchResult, InvalidPowerLeavesNoMetrics) {
  Json result = {{"avg_power_w", 1}, {"prefill_avg_power_w", 2}};
  ASSERT_TRUE(patch_result(result, false, {{"avg_power_w", 3}}, Roles::Keep));
  EXPECT_EQ(result.dump(), R"({"prefill_avg_power_w":2,"power_metric_schema_version":2,"power_valid":0})");
  ASSERT_TRUE(patch_result(result, false, {}, Roles::Remove));
  EXPECT_FALSE(result.contains("prefill_avg_power_w"));
}

TEST(PatchResult, RefusesWhatIsNoObjectOrNotFinite) {
  Json list = Json::array();
  EXPECT_FALSE(patch_result(list, true, {}, Roles::Keep));
  Json result = {{"a", 1}};
  EXPECT_FALSE(patch_result(result, true, {{"avg_power_w", 1e308 * 10}}, Roles::Keep));
  EXPECT_EQ(result.dump(), R"({"a":1})");
}

}  // namespace
}  // namespace sweep::power
