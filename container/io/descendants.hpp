// The processes below this one, or below another. For processes that are child subreapers: whatever loses its
// parent below them becomes their child.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "util/time.hpp"

namespace sweep::container {

/// All children of a process, of all its threads.
std::vector<pid_t> children_of(pid_t pid);
/// All below it, itself not.
std::vector<pid_t> descendants_of(pid_t pid);

/// Waits until no child of this process is left, `patience` at most, and collects them. Whether none is left.
bool wait_for_children(Millis patience);

/// Kills all children of this process and what comes to it when they die, and waits until none is left,
/// `patience` at most.
void end_children(Millis patience);

/// Kills all processes of this user that have something of `folder` mounted, and so are in a container that
/// has it, until none is left, `patience` at most. Whether none is left.
bool end_inside(const std::string& folder, Millis patience);

}  // namespace sweep::container
