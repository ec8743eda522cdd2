// What the head of a squash file says: enough to tell a whole one from one that was cut.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::container {

/// How much of a file's beginning read_superblock wants.
inline constexpr std::size_t kSuperblockBytes = 96;

struct Superblock {
  std::uint64_t bytes_used = 0;    // of the file; what follows is padding
  std::uint64_t tables_begin = 0;  // where inodes and all that leads to the data begin
  std::uint32_t inodes = 0;
};

/// From the head of a file of `file_bytes` bytes (squashfs 4.0: Linux, fs/squashfs/squashfs_fs.h). Fails,
/// saying what is wrong, on what is no squash file, is of another version, or was cut.
Expected<Superblock> read_superblock(std::string_view head, std::uint64_t file_bytes);

}  // namespace sweep::container
