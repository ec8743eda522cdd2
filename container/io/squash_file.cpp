#include "container/io/squash_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "container/core/squashfs.hpp"
#include "util/digest.hpp"
#include "util/os/fd.hpp"
#include "util/os/files.hpp"

namespace sweep::container {

namespace {

constexpr std::int64_t kMaxTables = std::int64_t{1} << 30;  // bytes of the tables that the digest covers

tl::unexpected<Error> cannot_read(const std::string& path) {
  return fail("cannot read '" + path + "': " + errno_text(errno));
}

}  // namespace

// O_NONBLOCK, because opening a FIFO would otherwise wait for a writer.
Expected<void> check_squash(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return cannot_read(path);
  struct stat info {};
  ::fstat(fd.get(), &info);
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is not a file");
  char head[kSuperblockBytes];
  const ssize_t got = ::pread(fd.get(), head, sizeof head, 0);
  if (got < 0) return cannot_read(path);
  const auto block =
      read_superblock({head, static_cast<std::size_t>(got)}, static_cast<std::uint64_t>(info.st_size));
  if (!block) return fail("'" + path + "' is not usable: " + block.error().message);
  return {};
}

Expected<std::string> squash_digest(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return cannot_read(path);
  struct stat info {};
  ::fstat(fd.get(), &info);
  if (!S_ISREG(info.st_mode)) return fail("'" + path + "' is not a file");
  std::string piece(1 << 20, '\0');
  const ssize_t got = ::pread(fd.get(), piece.data(), kSuperblockBytes, 0);
  const std::string head = piece.substr(0, got > 0 ? static_cast<std::size_t>(got) : 0);
  SWEEP_ASSIGN(const auto block, read_superblock(head, static_cast<std::uint64_t>(info.st_size)));
  Sha256 digest;
  digest.add(head);
  const auto end = static_cast<std::int64_t>(block.bytes_used);
  auto at = std::max(static_cast<std::int64_t>(block.tables_begin), end - kMaxTables);
  while (at < end) {
    const auto wanted = std::min<std::int64_t>(end - at, static_cast<std::int64_t>(piece.size()));
    const ssize_t read = ::pread(fd.get(), piece.data(), static_cast<std::size_t>(wanted), at);
    if (read <= 0) return cannot_read(path);
    digest.add(std::string_view(piece).substr(0, static_cast<std::size_t>(read)));
    at += read;
  }
  return "squashfs-tables:sha256:" + digest.hex();
}

}  // namespace sweep::container
