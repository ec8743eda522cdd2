// The one place where the drivers read a clock.
#pragma once

#include <string>

#include "util/time.hpp"

namespace sweep {

/// Now, in milliseconds of Unix time as of this process's start plus monotonic time since: never jumps when
/// somebody sets the wall clock.
Instant now();

/// `at` in local time, for people: "2025-11-20 14:03:05".
std::string local_time(Instant at);
/// `at` in local time for file names: "20251120_140305".
std::string local_stamp(Instant at);
/// `at` in UTC as ISO 8601: "2025-11-20T13:03:05Z".
std::string utc_time(Instant at);

}  // namespace sweep
