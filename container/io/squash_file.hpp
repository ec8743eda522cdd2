// Squash files on disk.
#pragma once

#include <string>

#include "util/error.hpp"

namespace sweep::container {

/// Returns an error that names the path if the file is not a squash file, or is truncated or damaged.
Expected<void> check_squash(const std::string& path);

/// Returns "squashfs-tables:sha256:…", a digest of the superblock and the metadata tables. The data blocks
/// are not read.
Expected<std::string> squash_digest(const std::string& path);

}  // namespace sweep::container
