// Which commit of a git repository a folder is at, read from the repository's files: git itself may not be
// there, and would cost a process for each point.
#pragma once

#include <string>

namespace sweep::agent {

/// The commit that is checked out in the work tree that `folder` is in, as hexadecimal digits; empty where it
/// is in none, or that cannot be read. Whether files were changed since is not looked at. Format: git's
/// gitrepository-layout(5).
std::string git_commit(const std::string& folder);

}  // namespace sweep::agent
