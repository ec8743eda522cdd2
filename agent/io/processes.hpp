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

/// Whether it was started with a variable of that name.
bool has_variable(pid_t pid, std::string_view name);

}  // namespace sweep::agent
