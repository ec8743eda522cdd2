// Root in the folder of another user.
//
// Rule: root's sweepctl becomes the owner of the folder before it opens anything there. Then a link or a path
// that the owner changes meanwhile leads only to what the owner may use anyway; it also works on NFS servers
// that give root no rights, and new files belong to the folder's owner, who can go on with them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep {

/// Returns the user that a process of `self` has to become to work in a folder: its owner if that is another
/// user than root, or else the last of `above` (the owners of the folders and links on the way to it) that is
/// not root; std::nullopt if `self` is not root or all belong to root. Pure.
std::optional<uid_t> user_to_become(uid_t self, uid_t owner, const std::vector<uid_t>& above);

/// Makes this process the owner of `folder` for good, with the owner's groups, if it runs as root and the
/// folder or its path belongs to another user. Returns a note for people; "" if nothing was changed. A folder
/// that does not exist is not an error.
Expected<std::string> become_owner(const std::string& folder);

/// Fails if this process runs as root and `folder` belongs to another user: a sweep that root resumes there
/// would leave files that its owner cannot write.
Expected<void> check_not_root_in(const std::string& folder);

}  // namespace sweep
