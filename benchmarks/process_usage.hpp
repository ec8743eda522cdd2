// CPU time, memory and descriptors of other processes, from /proc; and the limit of descriptors of this
// process.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::bench {

/// Resources of a process, over all its threads.
struct Usage {
  double cpu_seconds = 0;
  long rss_kib = 0, peak_kib = 0;  // resident set: current and largest
  long pss_kib = -1;               // proportional set size; -1 if the kernel does not report it
  int descriptors = 0;
};

/// Returns std::nullopt if the process has ended.
std::optional<Usage> usage_of(pid_t pid);

/// Returns the process's children, their children, and so on, without the process itself.
std::vector<pid_t> descendants_of(pid_t pid);

/// Returns the name of the process's program as the kernel stores it: at most 15 characters.
std::string program_of(pid_t pid);

/// Raises the limit of open descriptors to at least `wanted`, for this process and its children. Fails with a
/// message that names the limit that is in the way.
Expected<void> allow_descriptors(std::size_t wanted);

}  // namespace sweep::bench
