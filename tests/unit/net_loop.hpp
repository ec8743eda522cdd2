// Waits for a condition in an EventLoop, without sleeping.
#pragma once

#include "proto/net/event_loop.hpp"
#include "util/os/clock.hpp"

namespace sweep {

/// The time after which a test fails.
inline constexpr Millis kPatience{20'000};

/// Runs the loop until `done`; false after kPatience.
template <class Done>
bool run_until(EventLoop& loop, Done done) {
  const Instant deadline = now() + kPatience;
  while (!done()) {
    if (now() >= deadline) return false;
    loop.step(deadline);
  }
  return true;
}

}  // namespace sweep
