// The clock of all stamps: CLOCK_MONOTONIC, in nanoseconds.
#pragma once

#include <chrono>
#include <ctime>

#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

inline Nanos read_clock(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return Nanos{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

inline Nanos mono_now() {
  return read_clock(CLOCK_MONOTONIC);
}

/// std::chrono::steady_clock is CLOCK_MONOTONIC on Linux.
inline std::chrono::steady_clock::time_point steady(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}

inline Nanos nanos(double seconds) {
  return static_cast<Nanos>(seconds * 1e9);
}

}  // namespace sweep::client
