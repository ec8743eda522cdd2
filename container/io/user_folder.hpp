// The directory in which a user's agents keep files on a node.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep::container {

/// Returns slurm-sweep-UID below `base`, by default below TMPDIR or /tmp, and creates it with mode 0700.
/// Returns an error if something that belongs to another user has that name.
Expected<std::string> user_folder(const std::string& base = {});

}  // namespace sweep::container
