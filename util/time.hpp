// Points in time and durations. Pure: the core gets the time as an argument and never reads a clock.
//
// An Instant counts milliseconds of Unix time. The drivers derive it from the monotonic clock, anchored to
// the wall clock once at start (util/os/clock.hpp), so it never jumps within one process.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sweep {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Millis>;

/// Return the time as milliseconds since 1970, and the reverse.
inline std::int64_t to_unix_ms(Instant at) {
  return at.time_since_epoch().count();
}
inline Instant from_unix_ms(std::int64_t ms) {
  return Instant(Millis(ms));
}

/// Returns the earlier of two deadlines; std::nullopt means never.
inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

}  // namespace sweep
