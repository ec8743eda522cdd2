// Conversions between the client's time stamps (nanoseconds of CLOCK_MONOTONIC), other units, and text.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// std::chrono::steady_clock is CLOCK_MONOTONIC on Linux.
inline std::chrono::steady_clock::time_point steady(Nanos at) {
  return std::chrono::steady_clock::time_point(std::chrono::nanoseconds(at));
}

inline Nanos nanos(double seconds) {
  return static_cast<Nanos>(seconds * 1e9);
}

/// Returns "600 s" or "0.5 s", for messages.
inline std::string seconds_text(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", seconds);
  return text;
}

}  // namespace sweep::client
