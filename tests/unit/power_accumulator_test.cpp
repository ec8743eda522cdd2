// controller/power/accumulator: energy counters compared with the whole stream.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/power/accumulator.hpp"
#include "util/json.hpp"

namespace sweep::power {
namespace {

using Row = std::vector<std::string>;
using testing::IsEmpty;

EnergySnapshot snapshot(const std::vector<Row>& rows) {
  EnergySnapshot out;
  out.take(Row{"gpu", " total_energy_consumption"});
  for (const Row& row : rows)
    out.take(row);
  return out;
}

// 100 W for 10 s on GPUs 0 and 1.
GpuStream whole_stream() {
  GpuStream out([](std::int64_t) { return std::int64_t{0}; });
  out.take(Row{"time", "gpu", "power"}, 1);
  for (const char* gpu : {"0", "1"}) {
    out.take(Row{"10", gpu, "100"}, 2);
    out.take(Row{"20", gpu, "100"}, 3);
  }
  out.finish();
  return out;
}

TEST(EnergySnapshot, SkipsRowsWithoutGpuOrNumber) {
  const auto got = snapshot({{"0", "5.5"}, {"", "7"}, {"1", "x"}, {"2", "inf"}, {"3"}, {"4", " 6 "}});
  EXPECT_EQ(got.joules(), (std::map<std::string, double>{{"0", 5.5}, {"4", 6}}));
}

TEST(EnergySnapshot, NeedsBothColumns) {
  EnergySnapshot out;
  out.take(Row{"card", "total_energy_consumption"});
  out.take(Row{"0", "5"});
  EXPECT_THAT(out.joules(), IsEmpty());
}

TEST(AccumulatorCheck, AgreesWithinFivePerCent) {
  const auto check = accumulator_check(snapshot({{"0", "100"}, {"1", "0"}}),
                                       snapshot({{"0", "1100"}, {"1", "1050"}}), whole_stream());
  EXPECT_EQ(check["accumulator_delta_j"], 2050.0);
  EXPECT_EQ(check["integrated_stream_j"], 2000.0);
  EXPECT_EQ(check["within_tolerance"], true);
  EXPECT_EQ(check["stream_span_s"], 10.0);
}

TEST(AccumulatorCheck, GpusMustBeInBothSnapshotsAndTheStream) {
  const auto check = accumulator_check(snapshot({{"0", "0"}, {"2", "0"}, {"10", "0"}, {"7", "0"}}),
                                       snapshot({{"0", "1000"}, {"2", "900"}, {"9", "1"}}), whole_stream());
  EXPECT_EQ(check["unmatched_gpus"].dump(), R"(["7","9","10"])");
  EXPECT_EQ(check["integrated_gpu_ids"].dump(), R"(["0"])");
  EXPECT_EQ(check["per_gpu_delta_j"].dump(), R"({"0":1000.0,"2":900.0})");
  EXPECT_EQ(check["within_tolerance"], false);
}

TEST(AccumulatorCheck, NegativeDeltaIsNeverWithinTolerance) {
  const auto check = accumulator_check(snapshot({{"0", "0"}, {"1", "10"}}),
                                       snapshot({{"0", "2020"}, {"1", "0"}}), whole_stream());
  EXPECT_EQ(check["negative_delta_gpus"].dump(), R"(["1"])");
  EXPECT_EQ(check["within_tolerance"], false);
}

TEST(AccumulatorCheck, NoEnergyHasNoRelativeError) {
  const auto check = accumulator_check(snapshot({{"0", "5"}}), snapshot({{"0", "5"}}), whole_stream());
  EXPECT_TRUE(check["relative_error"].is_null());
  EXPECT_EQ(check["within_tolerance"], false);
}

}  // namespace
}  // namespace sweep::power
