// Time as the core sees it: handed in, never read.
//
// An Instant counts milliseconds of Unix time. The drivers make theirs from the monotonic clock anchored to
// the wall clock once at their start (util/os/clock.hpp), so within one process it never jumps.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace sweep {

using Millis = std::chrono::milliseconds;
using Instant = std::chrono::sys_time<Millis>;

inline std::int64_t to_unix_ms(Instant at) {
  return at.time_since_epoch().count();
}
inline Instant from_unix_ms(std::int64_t ms) {
  return Instant(Millis(ms));
}

/// The earlier of two deadlines, where nothing means never.
inline std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

}  // namespace sweep
