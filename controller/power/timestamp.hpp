// Reads the times that GPU monitors and aiperf write, as Python's datetime does. Pure: the zone of times without
// one is a parameter.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sweep::power {

/// Returns how many seconds local time is ahead of UTC at a time in seconds since 1970.
using ZoneOffset = std::function<std::int64_t(std::int64_t unix)>;

/// A date and a time of day.
struct WallTime {
  std::int64_t seconds = 0;            // since 1970-01-01 00:00:00 of the same zone
  int micros = 0;                      // 0 to 999,999
  std::optional<std::int64_t> offset;  // seconds ahead of UTC; std::nullopt if the text has no zone
};

/// Returns what datetime.fromisoformat(text) reads, except dates by week; std::nullopt if `text` is not an ISO
/// 8601 time. A date alone is midnight.
std::optional<WallTime> iso_time(std::string_view text);

/// Returns datetime.timestamp(): seconds since 1970. `local` is asked only if `time` has no zone. Of a time that
/// occurs twice, when clocks are set back, it is the first.
double unix_time(const WallTime& time, const ZoneOffset& local);

struct SampleTime {
  double unix = 0;     // seconds since 1970
  bool local = false;  // the text had no zone
};

/// Reads a time of a GPU monitor: seconds since 1970, milliseconds if above 1e12, "YYYY/MM/DD HH:MM:SS[.f]" or
/// ISO 8601. Returns std::nullopt if `text` is none of them.
std::optional<SampleTime> sample_time(std::string_view text, const ZoneOffset& local);

/// Returns the seconds ahead of UTC in "+0900" or "-09:30"; std::nullopt for any other text.
std::optional<std::int64_t> utc_offset(std::string_view text);

/// Returns "UTC+09:00" for 32400.
std::string offset_name(std::int64_t seconds);

/// Returns the value of TZ for a zone that is `seconds` ahead of UTC: "UTC-9" for 32400, because TZ counts
/// hours behind UTC.
std::string tz_value(std::int64_t seconds);

}  // namespace sweep::power
