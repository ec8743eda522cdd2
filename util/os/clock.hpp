// Reads the clock and formats times. No other file reads a clock for a driver.
#pragma once

#include <string>

#include "util/time.hpp"

namespace sweep {

/// Returns the current time: the wall-clock time at the first call plus the monotonic time since then, less
/// what was skipped. It does not jump if the wall clock is set.
Instant now();
/// Sets now() back by `pause`, so that deadlines do not pass while the process is suspended.
void skip_pause(Millis pause);

/// Returns local time for people: "2025-11-20 14:03:05".
std::string local_time(Instant at);
/// Returns local time for file names: "20251120_140305".
std::string local_stamp(Instant at);
/// Returns UTC in ISO 8601: "2025-11-20T13:03:05Z".
std::string utc_time(Instant at);

}  // namespace sweep
