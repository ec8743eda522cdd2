// The directory in which a user's agents keep files on a node.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep::container {

/// Returns slurm-sweep-UID below `base`, by default below TMPDIR or /tmp, and creates it with mode 0700. If
/// another user has taken that name, another one is used and printed (util/os/private_folder.hpp).
Expected<std::string> user_folder(const std::string& base = {});

}  // namespace sweep::container
