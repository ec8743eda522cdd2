// Prints a time limit the way a person would write it.
#pragma once

#include <string>

#include "util/time.hpp"

namespace sweep::agent {

/// Returns "60 min", "90 s" or "1500 ms": the largest unit that divides `time` without a remainder.
inline std::string duration_text(Millis time) {
  constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond;
  const auto ms = time.count();
  if (ms % kMinute == 0) return std::to_string(ms / kMinute) + " min";
  if (ms % kSecond == 0) return std::to_string(ms / kSecond) + " s";
  return std::to_string(ms) + " ms";
}

}  // namespace sweep::agent
