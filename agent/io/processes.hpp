// What /proc says about this process's children, for finding those that left their group.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::agent {

/// The living and dead children of this process's first thread; with PR_SET_CHILD_SUBREAPER also the orphans
/// among its descendants. Empty where the kernel does not tell.
std::vector<pid_t> own_children();

/// Whether the environment that `pid` was started with has `entry` (NAME=value). Nothing where there is no
/// environment to be seen: it has none, or is in the middle of an exec, when the kernel shows none either.
std::optional<bool> was_started_with(pid_t pid, const std::string& entry);

/// The environment that it was started with, each entry between two zero bytes; empty where there is none to
/// be seen.
std::string environment_of(pid_t pid);
/// Whether that has an entry (NAME=value), or a variable of a name.
bool has_entry(std::string_view environment, const std::string& entry);
bool has_variable(std::string_view environment, std::string_view name);

}  // namespace sweep::agent
