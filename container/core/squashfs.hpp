// The superblock of a squash file: enough to detect a file that was truncated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::container {

/// The number of bytes at the beginning of a file that read_superblock() needs.
inline constexpr std::size_t kSuperblockBytes = 96;

struct Superblock {
  std::uint64_t bytes_used = 0;    // of the file; padding follows
  std::uint64_t tables_begin = 0;  // offset of the inode table; all metadata lies behind it
  std::uint32_t inodes = 0;
};

/// Parses the superblock in `head`, the first bytes of a file of `file_bytes` bytes (squashfs 4.0: Linux,
/// fs/squashfs/squashfs_fs.h). Returns an error that begins with "it" if the file is not a squash file, has
/// another version, is truncated or damaged.
Expected<Superblock> read_superblock(std::string_view head, std::uint64_t file_bytes);

}  // namespace sweep::container
