// Waits for processes and kills them. For processes that are child subreapers (PR_SET_CHILD_SUBREAPER): a
// descendant whose parent ends becomes their child.
#pragma once

#include <string>

#include "util/time.hpp"

namespace sweep::container {

/// Waits until this process has no children, for at most `patience`, and reaps them. Returns true if none is
/// left.
bool wait_for_children(Millis patience);

/// Kills all children of this process, and the processes that become its children when those die. Returns
/// when none is left or after `patience`.
void kill_children(Millis patience);

/// Kills all processes of this user that have something below `folder` mounted, which means that they are in
/// a container that uses it. Returns true if none is left after at most `patience`.
bool kill_mounting(const std::string& folder, Millis patience);

}  // namespace sweep::container
