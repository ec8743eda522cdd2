// Conversions between the client's time stamps (nanoseconds of CLOCK_MONOTONIC) and other units.
#pragma once

#include <chrono>

#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// std::chrono::steady_clock is CLOCK_MONOTONIC on Linux.
inline std::chrono::steady_clock::time_point steady(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}

inline Nanos nanos(double seconds) {
  return static_cast<Nanos>(seconds * 1e9);
}

}  // namespace sweep::client
