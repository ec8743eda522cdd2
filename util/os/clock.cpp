#include "util/os/clock.hpp"

#include <atomic>
#include <ctime>

namespace sweep {

namespace {

enum class Form { Local, Stamp, Utc };

std::string formatted(Instant at, Form form) {
  const std::time_t seconds = static_cast<std::time_t>(to_unix_ms(at) / 1000);
  std::tm parts{};
  if (form == Form::Utc) {
    gmtime_r(&seconds, &parts);
  } else {
    localtime_r(&seconds, &parts);
  }
  char text[64] = {};
  std::size_t length = 0;
  switch (form) {
    case Form::Local:
      length = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
      break;
    case Form::Stamp:
      length = std::strftime(text, sizeof text, "%Y%m%d_%H%M%S", &parts);
      break;
    case Form::Utc:
      length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
      break;
  }
  return std::string(text, length);
}

/// Returns how much time has been skipped.
std::atomic<Millis::rep>& skipped_ms() {
  static std::atomic<Millis::rep> total{0};
  return total;
}

}  // namespace

void skip_pause(Millis pause) {
  skipped_ms() += pause.count();
}

Instant now() {
  using std::chrono::duration_cast;
  static const auto steady_start = std::chrono::steady_clock::now();
  static const auto wall_start = std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  return wall_start + duration_cast<Millis>(std::chrono::steady_clock::now() - steady_start) -
         Millis(skipped_ms());
}

std::string local_time(Instant at) {
  return formatted(at, Form::Local);
}
std::string local_stamp(Instant at) {
  return formatted(at, Form::Stamp);
}
std::string utc_time(Instant at) {
  return formatted(at, Form::Utc);
}

}  // namespace sweep
