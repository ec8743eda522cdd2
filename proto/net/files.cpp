#include "proto/net/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <filesystem>

#include "proto/net/fd.hpp"

namespace sweep {

namespace {

tl::unexpected<Error> failed(const std::string& doing, const std::string& path, int code) {
  return fail("cannot " + doing + " '" + path + "': " + errno_text(code));
}

// 0, or errno.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

std::string errno_text(int code) {
  const char* text = strerrordesc_np(code);
  return text != nullptr ? text : "error " + std::to_string(code);
}

Expected<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return failed("read", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failed("read", path, errno);
  if (S_ISDIR(info.st_mode)) return failed("read", path, EISDIR);
  if (!S_ISREG(info.st_mode)) return fail("cannot read '" + path + "': not a regular file");
  std::string bytes;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) return bytes;
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
    if (bytes.size() > max_bytes) {
      return fail("'" + path + "' is larger than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Expected<void> write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode, Sync sync) {
  const std::string temporary = path + ".tmp-" + std::to_string(::getpid());
  {
    const Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd.open()) return failed("write", path, errno);
    int code = write_all(fd.get(), bytes);
    if (code == 0 && sync == Sync::Yes && ::fsync(fd.get()) != 0) code = errno;
    if (code != 0) {
      ::unlink(temporary.c_str());
      return failed("write", path, code);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int code = errno;
    ::unlink(temporary.c_str());
    return failed("write", path, code);
  }
  return {};
}

Expected<void> append_file(const std::string& path, std::string_view bytes) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd.open()) return failed("write", path, errno);
  if (const int code = write_all(fd.get(), bytes); code != 0) return failed("write", path, code);
  return {};
}

Expected<void> sync_file_system(const std::string& directory) {
  const Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return failed("read", directory, errno);
  return ::syncfs(fd.get()) == 0 ? Expected<void>() : failed("write", directory, errno);
}

Expected<void> make_directories(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) return failed("create the directory", path, code.value());
  return {};
}

std::string own_executable() {
  std::error_code code;
  return std::filesystem::read_symlink("/proc/self/exe", code).string();
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace sweep
