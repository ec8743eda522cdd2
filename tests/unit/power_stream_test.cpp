// controller/power/gpu_stream: columns and samples of a GPU monitor's file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/power/csv_rows.hpp"
#include "controller/power/gpu_stream.hpp"

namespace sweep::power {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::int64_t zone_of_stream(std::int64_t) {
  return 0;
}

// Reads a file for the window from 100 to 110.
GpuStream stream(const std::string& text) {
  GpuStream out("m.csv", 100, 110, zone_of_stream);
  CsvRows rows(CsvRows::Blanks::SkipAfterComma,
               [&](std::span<const std::string> row, std::size_t line) { out.take(row, line); });
  rows.feed(text);
  rows.finish();
  out.finish();
  return out;
}

StreamColumns columns(const std::vector<std::string>& header) {
  return stream_columns(header);
}

TEST(StreamColumns, AreFoundInAnyCase) {
  const StreamColumns found = columns({" Timestamp ", "GPU_ID", "Socket_Power [W]"});
  EXPECT_EQ(found.time, 0U);
  EXPECT_EQ(found.gpu, 1U);
  EXPECT_EQ(found.power, 2U);
}

TEST(StreamColumns, LimitsAreNotPower) {
  EXPECT_EQ(columns({"power.limit", "max_power", "power_cap", "min power", "power.draw"}).power, 4U);
  EXPECT_FALSE(columns({"power.limit", "max_power"}).power);
}

TEST(StreamColumns, IdentityMustBeTheWholeName) {
  EXPECT_FALSE(columns({"gpu_name", "pci.device"}).gpu);
  for (const char* name : {"index", "gpu", "gpu_id", "gpu_index", "card", "DEVICE"})
    EXPECT_TRUE(columns({name}).gpu) << name;
}

TEST(StreamColumns, LastOfEqualNamesHasTheValue) {
  EXPECT_EQ(columns({"gpu", "time", "gpu"}).gpu, 2U);
}

TEST(PowerCell, IsTheFirstNumber) {
  EXPECT_EQ(power_cell("412.3 W"), 412.3);
  EXPECT_EQ(power_cell("-5 W"), -5);
  EXPECT_EQ(power_cell("about 7."), 7);
  EXPECT_EQ(power_cell("1e3"), 1);
  for (const char* text : {"", "[N/A]", "n/a", "na"})
    EXPECT_FALSE(power_cell(text)) << text;
}

TEST(GpuStream, KeepsSamplesWithinThreeSecondsOfTheWindow) {
  const GpuStream got = stream("time, index, power\n96.9,0,1\n97,0,2\n113,0,3\n113.1,0,4\n");
  ASSERT_THAT(got.gpus(), ElementsAre("0"));
  const auto samples = got.samples("0");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].power, 2);
  EXPECT_EQ(samples[1].power, 3);
  EXPECT_THAT(got.reasons().all(), IsEmpty());
}

TEST(GpuStream, SamplesOfOneTimeAreAveragedAndSorted) {
  const GpuStream got = stream("time,index,power\n105,0,30\n103,0,10\n105,0,50\n");
  const auto samples = got.samples("0");
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_EQ(samples[0].time, 103);
  EXPECT_EQ(samples[1].power, 40);
}

TEST(GpuStream, GpuIdsAreSortedAsNumbersThenAsText) {
  EXPECT_THAT(stream("time,gpu,power\n101,b,1\n101,10,1\n101,2,1\n101,GPU-a,1\n").gpus(),
              ElementsAre("2", "10", "GPU-a", "b"));
}

TEST(GpuStream, MissingColumnsAreNamedTogether) {
  const GpuStream got = stream("a,b\n1,2\n");
  EXPECT_THAT(got.reasons().all(),
              ElementsAre("timestamp_column_missing", "power_column_missing", "gpu_identity_column_missing"));
  EXPECT_THAT(got.notes().front(), HasSubstr("m.csv:1: "));
  EXPECT_THAT(got.notes().front(), HasSubstr("the columns are: a, b"));
}

TEST(GpuStream, UnreadableTimeCountsAnywhereInTheFile) {
  const GpuStream got = stream("time,index,power\n101,0,1\nnow,0,1\nlater,0,1\n");
  EXPECT_THAT(got.reasons().all(), ElementsAre("invalid_timestamp_sample"));
  EXPECT_THAT(got.notes(), ElementsAre("m.csv:3: cannot read the time 'now'"));
}

TEST(GpuStream, UnusablePowerCountsOnlyNearTheWindow) {
  EXPECT_THAT(stream("time,index,power\n101,0,1\n50,0,[N/A]\n50,0,-1\n").reasons().all(), IsEmpty());
  for (const char* power : {"[N/A]", "", "-1 W"}) {
    const GpuStream got = stream("time,index,power\n101,0,1\n102,0," + std::string(power) + "\n");
    EXPECT_THAT(got.reasons().all(), ElementsAre("invalid_power_sample")) << power;
    EXPECT_THAT(got.notes().front(), HasSubstr("m.csv:3: ")) << power;
  }
}

TEST(GpuStream, RowWithoutGpuIsReportedAfterOtherReasons) {
  const GpuStream got = stream("time,index,power\n101,,1\n102,0,x\n103,0,1\n");
  EXPECT_THAT(got.reasons().all(), ElementsAre("invalid_power_sample", "gpu_identity_missing"));
  EXPECT_THAT(got.notes().back(), HasSubstr("m.csv:2: "));
}

TEST(GpuStream, ShortRowsLackTheirLastCells) {
  EXPECT_THAT(stream("time,power,index\n101,5\n").reasons().all(),
              ElementsAre("gpu_identity_missing", "no_usable_power_samples"));
}

TEST(GpuStream, FileWithoutSamplesNearTheWindowHasNone) {
  EXPECT_THAT(stream("time,index,power\n").reasons().all(), ElementsAre("no_usable_power_samples"));
  const GpuStream far = stream("time,index,power\n1,0,5\n2,0,5\n");
  EXPECT_THAT(far.reasons().all(), ElementsAre("no_usable_power_samples"));
  EXPECT_EQ(far.span(), std::pair(1.0, 2.0));
}

TEST(GpuStream, ReadsTheFileOfNvidiaSmiAndThatOfTheAgent) {
  const std::string header =
      "timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz], clocks.current.memory [MHz], "
      "utilization.gpu [%], utilization.memory [%]\n";
  for (const char* time : {"1970/01/01 00:01:45.000", "1970-01-01T00:01:45.000+00:00"}) {
    const GpuStream got = stream(header + time + ", 3, 512.35 W, 61, 1980 MHz, 2619 MHz, 99 %, [N/A]\n");
    ASSERT_THAT(got.gpus(), ElementsAre("3"));
    EXPECT_EQ(got.samples("3")[0].time, 105);
    EXPECT_EQ(got.samples("3")[0].power, 512.35);
  }
}

TEST(GpuStream, TimesWithoutZoneAreRemembered) {
  EXPECT_TRUE(stream("time,index,power\n1970/01/01 00:01:45,0,5\n").has_local_times());
  EXPECT_FALSE(stream("time,index,power\n105,0,5\n").has_local_times());
}

}  // namespace
}  // namespace sweep::power
