// Processes of this machine, from /proc. The results are outdated as soon as they are returned: processes start and end
// at any time.
#pragma once

#include <sys/types.h>

#include <vector>

namespace sweep {

/// Returns all processes that are visible to this one, except init and this process.
std::vector<pid_t> other_processes();

/// Returns the children of all threads of a process, including zombies; empty if the process does not exist.
std::vector<pid_t> children_of(pid_t pid);

/// Returns all descendants of a process, parents before their children. The process itself is not included.
std::vector<pid_t> descendants_of(pid_t pid);

}  // namespace sweep
