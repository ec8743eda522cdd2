// Waiting for something in an EventLoop, without sleeping. For the tests of proto/net.
#pragma once

#include "proto/net/event_loop.hpp"
#include "util/os/clock.hpp"

namespace sweep {

/// Only bounds how long a test takes to fail.
inline constexpr Millis kPatience{20'000};

/// Steps the loop until `done`; false when patience ends before.
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
