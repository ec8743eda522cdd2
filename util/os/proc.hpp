// Processes of this machine, from /proc: which exist, their children, and the environment with which they
// were started. Processes start and end at any time, so every result may be outdated when it is returned.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

/// Returns all processes that are visible to this one, except init and this process.
std::vector<pid_t> other_processes();

/// Returns the children of all threads of a process, including zombies; empty if the process does not exist.
std::vector<pid_t> children_of(pid_t pid);

/// Returns all descendants of a process, parents before their children. The process itself is not included.
std::vector<pid_t> descendants_of(pid_t pid);

/// Returns the children of this process's main thread, dead ones that were not collected included. In a
/// process with PR_SET_CHILD_SUBREAPER these include the orphans among its descendants. Empty if the kernel
/// does not list children (/proc/PID/task/TID/children).
std::vector<pid_t> children_of_main_thread();

/// Returns the environment with which `pid` was started, each entry between two zero bytes. Empty if it has
/// no environment, belongs to another user, or is in the middle of an exec, when the kernel shows none.
std::string initial_environment(pid_t pid);

/// Returns true if the kernel shows an empty environment of a living process that this one may read: it is in
/// the middle of an exec, or was started without an environment.
bool may_be_in_exec(pid_t pid);

/// Returns true if initial_environment() contains `entry` (NAME=value), or a variable called `name`.
bool environment_has_entry(std::string_view environment, const std::string& entry);
bool environment_has_variable(std::string_view environment, std::string_view name);

/// Returns whether `pid` was started with `entry` (NAME=value) in its environment; std::nullopt if
/// initial_environment() is empty.
std::optional<bool> was_started_with(pid_t pid, const std::string& entry);

}  // namespace sweep
