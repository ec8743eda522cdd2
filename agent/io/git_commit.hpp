// Finds the commit of a git work tree by reading the repository's files: git may not be installed, and
// running it would cost a process for each point.
#pragma once

#include <string>

namespace sweep::agent {

/// Returns the commit that is checked out in the work tree that contains `folder`, as hexadecimal digits;
/// empty if there is no work tree, or it cannot be read. It does not check whether files were changed since.
/// Format: git's gitrepository-layout(5).
std::string git_commit(const std::string& folder);

}  // namespace sweep::agent
