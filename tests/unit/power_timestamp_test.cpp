// controller/power/timestamp: times of GPU monitors and aiperf.
#include <gtest/gtest.h>

#include "controller/power/timestamp.hpp"

namespace sweep::power {
namespace {

constexpr std::int64_t kHour = 3600;

std::int64_t utc(std::int64_t) {
  return 0;
}

double seconds(std::string_view text, const ZoneOffset& zone = utc) {
  const auto time = sample_time(text, zone);
  return time ? time->unix : -1;
}

TEST(SampleTime, NumbersAreSecondsOrAboveTrillionMilliseconds) {
  EXPECT_DOUBLE_EQ(seconds("1700000000.25"), 1700000000.25);
  EXPECT_DOUBLE_EQ(seconds("1700000000250"), 1700000000.25);
  EXPECT_DOUBLE_EQ(seconds("1000000000000"), 1e12);
  EXPECT_DOUBLE_EQ(seconds("-5"), -5);
  EXPECT_FALSE(sample_time("1e9", utc));
  EXPECT_FALSE(sample_time("5.", utc));
  EXPECT_FALSE(sample_time("", utc));
}

TEST(SampleTime, SlashedTimeIsLocal) {
  const auto time = sample_time("2023/11/14 22:13:20.5", utc);
  ASSERT_TRUE(time);
  EXPECT_DOUBLE_EQ(time->unix, 1700000000.5);
  EXPECT_TRUE(time->local);
  EXPECT_DOUBLE_EQ(seconds("2023/11/14 22:13:20.5", [](std::int64_t) { return 9 * kHour; }),
                   1700000000.5 - 9 * kHour);
  EXPECT_FALSE(sample_time("2023/11/14 22:13:60", utc));
  EXPECT_FALSE(sample_time("2023/02/30 22:13:20", utc));
  EXPECT_FALSE(sample_time("2023/11/14 22:13:20.1234567", utc));
  EXPECT_FALSE(sample_time("2023/11/14T22:13:20", utc));
}

TEST(SampleTime, IsoTimeWithZoneNeedsNoLocalZone) {
  const auto far = [](std::int64_t) { return 12 * kHour; };
  for (const char* text :
       {"2023-11-14T22:13:20Z", "2023-11-14 22:13:20+00:00", "2023-11-15T07:13:20+09:00", "20231114T221320Z",
        "2023-11-14T18:13:20-0400", "2023-11-14T22:13:20.000000000Z", "2023-11-14T22:13:20,0Z"})
    EXPECT_DOUBLE_EQ(seconds(text, far), 1700000000) << text;
  EXPECT_FALSE(sample_time("2023-11-14T22:13:20Z", far)->local);
  EXPECT_DOUBLE_EQ(seconds("2023-11-15T10:13:20", far), 1700000000);
}

TEST(SampleTime, RejectsWhatPythonRejects) {
  for (const char* text : {"2023-11-14T2", "2023-11-14T25:00", "2023-11-14T22:61", "2023-13-14",
                           "2023-11-14T22:13:20.", "2023-11-14T22:13:20Zx", "2023-11-14T22:13:20+9",
                           "2023-11-14T22:13:20+24:00", "2023-11-14T22:1320x", "2023-1-4", "today"})
    EXPECT_FALSE(sample_time(text, utc)) << text;
}

TEST(SampleTime, DateAloneIsMidnight) {
  EXPECT_DOUBLE_EQ(seconds("2023-11-14"), 1699920000);
  EXPECT_DOUBLE_EQ(seconds("2023-11-14T"), 1699920000);
}

// A zone that sets its clocks forward from +1 h to +2 h at 1000000 s and back at 2000000 s.
std::int64_t summer(std::int64_t unix) {
  return unix >= 1'000'000 && unix < 2'000'000 ? 2 * kHour : kHour;
}

TEST(LocalTime, OfATimeThatOccursTwiceItIsTheFirst) {
  const std::int64_t wall = 2'000'000 + kHour + 600;  // 600 s after clocks were set back
  EXPECT_DOUBLE_EQ(unix_time({wall, 250'000, std::nullopt}, summer), 2'000'000 - kHour + 600 + 0.25);
  EXPECT_DOUBLE_EQ(unix_time({wall + kHour, 0, std::nullopt}, summer), 2'000'000 + kHour + 600);
}

TEST(LocalTime, SkippedTimeIsReadWithTheEarlierOffset) {
  const std::int64_t wall = 1'000'000 + kHour + 600;  // clocks showed an hour more
  EXPECT_DOUBLE_EQ(unix_time({wall, 0, std::nullopt}, summer), 1'000'600);
}

TEST(UtcOffset, IsSignHoursAndMinutes) {
  EXPECT_EQ(utc_offset("+0900"), 9 * kHour);
  EXPECT_EQ(utc_offset("-09:30"), -(9 * kHour + 1800));
  for (const char* text : {"0900", "+9:00", "+24:00", "+00:60", "+09:00x", "UTC", ""})
    EXPECT_FALSE(utc_offset(text)) << text;
}

TEST(OffsetName, TzCountsTheOtherWay) {
  EXPECT_EQ(offset_name(9 * kHour), "UTC+09:00");
  EXPECT_EQ(offset_name(-(3 * kHour + 1800)), "UTC-03:30");
  EXPECT_EQ(tz_value(9 * kHour), "UTC-9");
  EXPECT_EQ(tz_value(-(3 * kHour + 1800)), "UTC3:30");
  EXPECT_EQ(tz_value(0), "UTC0");
}

}  // namespace
}  // namespace sweep::power
