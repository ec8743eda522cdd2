#include "util/os/files.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <tuple>

namespace sweep {

namespace {

tl::unexpected<Error> failed(const std::string& doing, const std::string& path, int code) {
  return fail("cannot " + doing + " '" + path + "': " + errno_text(code));
}

// Gives this user all permissions for a directory and the directories below it.
void make_accessible(const std::filesystem::path& path) {
  std::error_code code;
  if (!std::filesystem::is_directory(std::filesystem::symlink_status(path, code))) return;
  ::chmod(path.c_str(), 0700);
  for (const auto& item : std::filesystem::directory_iterator(path, code))
    make_accessible(item.path());
}

}  // namespace

std::string errno_text(int code) {
  const char* text = strerrordesc_np(code);
  return text != nullptr ? text : "error " + std::to_string(code);
}

int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd waiting{fd, POLLOUT, 0};
      ::poll(&waiting, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

Expected<void> read_file(const std::string& path, std::size_t max_bytes, const Sink& take) {
  // O_NONBLOCK, because opening a FIFO would otherwise wait for a writer.
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.open()) return failed("read", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failed("read", path, errno);
  if (S_ISDIR(info.st_mode)) return failed("read", path, EISDIR);
  if (!S_ISREG(info.st_mode)) return fail("cannot read '" + path + "': not a regular file");
  std::array<char, 65536> buffer{};
  for (std::size_t size = 0;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path, errno);
    if (got == 0) return {};
    size += static_cast<std::size_t>(got);
    if (size > max_bytes)
      return fail("'" + path + "' is larger than " + std::to_string(max_bytes) + " bytes");
    take({buffer.data(), static_cast<std::size_t>(got)});
  }
}

Expected<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  std::string bytes;
  const auto done = read_file(path, max_bytes, [&](std::string_view piece) { bytes += piece; });
  if (!done) return tl::unexpected(done.error());
  return bytes;
}

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code code;
  for (std::filesystem::directory_iterator at(folder, code), end; !code && at != end; at.increment(code))
    out.push_back(at->path().filename().string());
  return out;
}

std::string temporary_name(const std::string& path, long pid) {
  const std::string suffix = ".tmp-" + std::to_string(pid);
  const std::size_t name = path.rfind('/') + 1;  // 0 if there is no slash
  return path.substr(0, name) + clipped(path.substr(name), NAME_MAX - suffix.size()) + suffix;
}

namespace {

/// Opens a new file for writing. A leftover of that name, whatever it is, is removed and never opened: it can be a
/// FIFO, which would block, or another user's file.
int open_new(const std::string& path, unsigned mode) {
  std::ignore = ::unlink(path.c_str());
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path, unsigned mode, Sync sync)
    : path_(path),
      temporary_(temporary_name(path, ::getpid())),
      sync_(sync),
      fd_(open_new(temporary_, mode)),
      code_(fd_.open() ? 0 : errno) {}

AtomicFile::~AtomicFile() {
  if (fd_.open()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  constexpr std::size_t kBuffer = 256 * 1024;
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() < kBuffer) {
    buffer_ += bytes;
  } else if (code_ == 0) {
    code_ = write_all(fd_.get(), bytes);
  }
}

void AtomicFile::inherit(const struct stat& replaced) {
  if (!fd_.open()) return;
  std::ignore = ::fchown(fd_.get(), replaced.st_uid, replaced.st_gid);
  std::ignore = ::fchmod(fd_.get(), replaced.st_mode & 0777);
}

void AtomicFile::lock() {
  if (fd_.open()) std::ignore = ::flock(fd_.get(), LOCK_EX | LOCK_NB);
}

void AtomicFile::flush() {
  if (code_ == 0) code_ = write_all(fd_.get(), buffer_);
  buffer_.clear();
}

Expected<void> AtomicFile::finish() {
  flush();
  if (code_ == 0 && sync_ == Sync::Yes && ::fsync(fd_.get()) != 0) code_ = errno;
  if (code_ == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) code_ = errno;
  if (code_ != 0) return failed("write", path_, code_);
  fd_.reset();
  return {};
}

Expected<void> write_file_atomic(const std::string& path, std::string_view bytes, unsigned mode, Sync sync) {
  AtomicFile file(path, mode, sync);
  file.write(bytes);
  return file.finish();
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

Expected<void> remove_all(const std::string& path) {
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (!code) return {};
  make_accessible(path);
  std::filesystem::remove_all(path, code);
  if (code) return failed("remove", path, code.value());
  return {};
}

std::string own_executable() {
  std::error_code code;
  const std::string path = std::filesystem::read_symlink("/proc/self/exe", code).string();
  // An upgrade has replaced the file: that path does not exist, but the link still leads to our binary.
  return path.ends_with(" (deleted)") ? "/proc/self/exe" : path;
}

std::vector<std::string> own_command(const char* loader_name, const char* program_name) {
  const char* const loader = std::getenv(loader_name);
  const char* const program = std::getenv(program_name);
  if (loader == nullptr || program == nullptr) return {own_executable()};
  return {loader, "--library-path", std::filesystem::path(loader).parent_path().string(), program};
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "localhost";
}

}  // namespace sweep
