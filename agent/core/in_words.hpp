// A time limit as a person would say it.
#pragma once

#include <string>

#include "util/time.hpp"

namespace sweep::agent {

/// "60 min", "90 s", "1500 ms".
inline std::string in_words(Millis time) {
  constexpr std::int64_t kSecond = 1'000, kMinute = 60 * kSecond;
  const auto ms = time.count();
  if (ms % kMinute == 0) return std::to_string(ms / kMinute) + " min";
  if (ms % kSecond == 0) return std::to_string(ms / kSecond) + " s";
  return std::to_string(ms) + " ms";
}

}  // namespace sweep::agent
