#include "container/core/squashfs.hpp"

namespace sweep::container {

namespace {

// Offsets in the superblock; all numbers are little-endian.
constexpr std::size_t kInodes = 4, kMajor = 28, kBytesUsed = 40, kInodeTable = 64;
constexpr std::uint64_t kVersion = 4;

std::uint64_t number(std::string_view head, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(head[at + i]);
  return value;
}

}  // namespace

Expected<Superblock> read_superblock(std::string_view head, std::uint64_t file_bytes) {
  if (head.size() < kSuperblockBytes)
    return fail("it has " + std::to_string(head.size()) + " bytes, too few for a squash file");
  if (!head.starts_with("hsqs")) return fail("it is not a squash file");
  if (const auto major = number(head, kMajor, 2); major != kVersion)
    return fail("it is a squash file of version " + std::to_string(major) + ", not 4");
  Superblock out;
  out.inodes = static_cast<std::uint32_t>(number(head, kInodes, 4));
  out.bytes_used = number(head, kBytesUsed, 8);
  out.tables_begin = number(head, kInodeTable, 8);
  if (out.bytes_used > file_bytes) {
    return fail("it is truncated: it has " + std::to_string(file_bytes) + " of " +
                std::to_string(out.bytes_used) + " bytes");
  }
  // mksquashfs writes the superblock last. If it is killed, the file has zeros there or offsets of no tables.
  if (out.inodes == 0 || out.tables_begin < kSuperblockBytes || out.tables_begin >= out.bytes_used)
    return fail("its superblock is damaged");
  return out;
}

}  // namespace sweep::container
