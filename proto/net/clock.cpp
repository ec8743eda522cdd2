#include "proto/net/clock.hpp"

#include <ctime>

namespace sweep {

namespace {

std::string formatted(Instant at, bool utc, const char* format) {
  const std::time_t seconds = static_cast<std::time_t>(to_unix_ms(at) / 1000);
  std::tm parts{};
  if (utc) {
    gmtime_r(&seconds, &parts);
  } else {
    localtime_r(&seconds, &parts);
  }
  char text[64] = {};
  const std::size_t length = std::strftime(text, sizeof text, format, &parts);
  return std::string(text, length);
}

}  // namespace

Instant now() {
  using std::chrono::duration_cast;
  static const auto steady_start = std::chrono::steady_clock::now();
  static const auto wall_start = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  return wall_start + duration_cast<Millis>(std::chrono::steady_clock::now() - steady_start);
}

std::string local_time(Instant at) { return formatted(at, false, "%Y-%m-%d %H:%M:%S"); }
std::string local_stamp(Instant at) { return formatted(at, false, "%Y%m%d_%H%M%S"); }
std::string utc_time(Instant at) { return formatted(at, true, "%Y-%m-%dT%H:%M:%SZ"); }

}  // namespace sweep
