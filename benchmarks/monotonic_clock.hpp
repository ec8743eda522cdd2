// CLOCK_MONOTONIC, which all processes of a machine share, in nanoseconds.
#pragma once

#include <cstdint>
#include <ctime>

namespace sweep::bench {

/// Returns the time of `clock` in nanoseconds.
inline std::int64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline std::int64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

/// Returns the seconds of the monotonic clock.
inline double monotonic_seconds() {
  return static_cast<double>(monotonic_ns()) * 1e-9;
}

}  // namespace sweep::bench
