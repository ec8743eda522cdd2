#include "util/os/output_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <ctime>
#include <filesystem>

#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

// Where a path leads after all symbolic links.
struct Destination {
  std::string path;       // the last of the links' targets; empty if it is a descriptor
  int descriptor = -1;    // of this process, if the path names one
  bool in_place = false;  // written in place, not replaced
  struct stat info {};    // of the existing file; st_mode is 0 if there is none
};

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Returns the real path; empty if it does not exist.
std::string real_path(const std::string& path) {
  std::error_code code;
  return std::filesystem::canonical(path, code).string();
}

std::string remedy(const std::string& path, int code) {
  const std::string folder = parent_of(path);
  switch (code) {
    case ENOENT:
      return "; create its directory first: mkdir -p " + shell_word(folder);
    case ENOTDIR:
      return "; '" + folder + "' is not a directory";
    case EACCES:
    case EPERM:
    case EROFS:
      return "; give a path in a directory that you may write to ('" + folder + "' is not)";
    case ENAMETOOLONG:
      return "; give a name of at most " + std::to_string(NAME_MAX) + " bytes";
    case EISDIR:
      return "; give the path of a file";
    case ENXIO:
      return "; no process reads it; start the reader first: cat " + shell_word(path);
    case EBADF:
      return "; this descriptor is not open for writing";
    case EFBIG:
      return "; raise the limit on file sizes: ulimit -f unlimited";
    case ENOSPC:
    case EDQUOT:
      return "; free space, or give a path on another file system";
    default:
      return "";
  }
}

Error cannot_write(const std::string& path, int code) {
  return {"cannot write '" + printable(path) + "': " + errno_text(code) + printable(remedy(path, code))};
}

// Returns the number of the descriptor of this process that `link` in `folder` stands for; -1 if it does not.
int own_descriptor(const std::string& folder, std::string_view link) {
  if (folder != real_path("/proc/self/fd")) return -1;
  int number = -1;
  const auto [end, code] = std::from_chars(link.data(), link.data() + link.size(), number);
  return code == std::errc() && end == link.data() + link.size() ? number : -1;
}

bool is_mount_point(const std::string& path) {
  struct statx info {};
  return ::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, 0, &info) == 0 &&
         (info.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

// Sets `in_place` of a destination that is no symbolic link. Returns the errno of a failure, or 0.
int classify(Destination& to) {
  if (::stat(to.path.c_str(), &to.info) != 0) {
    to.info.st_mode = 0;
    return errno == ENOENT ? 0 : errno;
  }
  if (S_ISDIR(to.info.st_mode)) return EISDIR;
  to.in_place =
      !S_ISREG(to.info.st_mode) || is_mount_point(to.path) ||
      (::access(parent_of(to.path).c_str(), W_OK | X_OK) != 0 && ::access(to.path.c_str(), W_OK) == 0);
  return 0;
}

// Returns true if this process is root's and another user has made the link. Such a link could lead anywhere, so
// root follows only its own.
bool is_foreign_link(const std::string& path) {
  struct stat info {};
  return ::geteuid() == 0 && ::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode) && info.st_uid != 0;
}

Expected<Destination> destination_of(const std::string& path) {
  constexpr int kMaxLinks = 40;
  Destination to;
  to.path = path;
  if (path.empty()) return tl::unexpected(cannot_write(path, ENOENT));
  for (int links = 0;; ++links) {
    const std::string folder = real_path(parent_of(to.path));
    to.descriptor = own_descriptor(folder, std::string_view(to.path).substr(to.path.rfind('/') + 1));
    if (to.descriptor >= 0) {
      to.path.clear();
      return to;
    }
    char target[PATH_MAX];
    const ssize_t length = ::readlink(to.path.c_str(), target, sizeof target);
    // The text of a link of another process's descriptor is not a path if it is a pipe or a deleted file.
    if (length < 0 || folder.starts_with("/proc/")) break;
    if (is_foreign_link(to.path)) {
      return fail(
          "cannot write '" + printable(path) + "': '" + printable(to.path) +
          "' is another user's link, which root does not follow; give another path, or write as its owner");
    }
    if (links == kMaxLinks) return tl::unexpected(cannot_write(path, ELOOP));
    const std::string text(target, static_cast<std::size_t>(length));
    to.path = text.starts_with('/') ? text : folder + "/" + text;
  }
  if (const int code = classify(to); code != 0) return tl::unexpected(cannot_write(path, code));
  return to;
}

// Opens a destination that is written in place. A FIFO that no process reads is an error (ENXIO), because the
// open would wait for ever.
Fd open_in_place(const Destination& to) {
  if (to.descriptor >= 0) return Fd(::fcntl(to.descriptor, F_DUPFD_CLOEXEC, 0));
  const int truncate = S_ISREG(to.info.st_mode) ? O_TRUNC : 0;
  Fd fd(::open(to.path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | truncate));
  if (fd.open()) ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
  return fd;
}

bool is_running(long pid) {
  return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH;
}

// Returns whether the writer of a temporary file is gone. It may have run on another machine that shares the
// file system: it then holds a lock, or, if the file system has no locks, has written lately.
bool is_abandoned(const std::string& path, long pid) {
  constexpr std::time_t kLongest = 3600;  // seconds that a write may take
  if (pid <= 0 || pid > INT_MAX || is_running(pid)) return false;
  const Fd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat info {};
  if (!fd.open() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return false;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return true;
  return errno != EWOULDBLOCK && std::time(nullptr) - info.st_mtime > kLongest;
}

// Removes the temporary files of killed processes that were to become `path`.
void remove_leftovers(const std::string& path) {
  const std::string folder = parent_of(path);
  for (const std::string& name : names_in(folder)) {
    const std::size_t mark = name.rfind(".tmp-");
    if (mark == std::string::npos) continue;
    long pid = 0;
    const char* const first = name.data() + mark + 5;
    const auto [end, code] = std::from_chars(first, name.data() + name.size(), pid);
    if (code != std::errc() || end != name.data() + name.size()) continue;
    const std::string found = path.substr(0, path.rfind('/') + 1) + name;
    if (found == temporary_name(path, pid) && is_abandoned(found, pid)) ::unlink(found.c_str());
  }
}

}  // namespace

OutputFile::OutputFile(const std::string& path, unsigned mode, Sync sync) : path_(path) {
  const auto to = destination_of(path);
  if (!to) {
    error_ = to.error();
  } else if (to->in_place || to->descriptor >= 0) {
    in_place_ = open_in_place(*to);
    code_ = in_place_.open() ? 0 : errno;
  } else {
    remove_leftovers(to->path);
    replacement_.emplace(to->path, mode, sync);
    replacement_->lock();
    if (to->info.st_mode != 0) replacement_->inherit(to->info);
  }
}

void OutputFile::write(std::string_view bytes) {
  if (replacement_) {
    replacement_->write(bytes);
  } else if (!error_ && code_ == 0) {
    code_ = write_all(in_place_.get(), bytes);
  }
}

Expected<void> OutputFile::finish() {
  if (error_) return tl::unexpected(*error_);
  if (replacement_) {
    if (replacement_->finish()) return {};
    code_ = replacement_->error();
  }
  in_place_.reset();
  if (code_ != 0) return tl::unexpected(cannot_write(path_, code_));
  return {};
}

Expected<void> write_output_file(const std::string& path, std::string_view bytes, unsigned mode, Sync sync) {
  OutputFile file(path, mode, sync);
  file.write(bytes);
  return file.finish();
}

Expected<Fd> hold_fifo(const std::string& path) {
  SWEEP_ASSIGN(const Destination to, destination_of(path));
  if (to.descriptor >= 0 || !S_ISFIFO(to.info.st_mode)) return Fd();
  Fd fd = open_in_place(to);
  if (!fd.open()) return tl::unexpected(cannot_write(path, errno));
  return fd;
}

Expected<void> check_output_file(const std::string& path) {
  SWEEP_ASSIGN(const Destination to, destination_of(path));
  int code = 0;
  if (to.descriptor >= 0) {
    const int flags = ::fcntl(to.descriptor, F_GETFL);
    code = flags < 0 || (flags & O_ACCMODE) == O_RDONLY ? EBADF : 0;
  } else if (to.in_place) {
    code = ::access(to.path.c_str(), W_OK) == 0 ? 0 : errno;
  } else {
    code = AtomicFile(to.path).error();  // creates its temporary file and removes it
  }
  if (code != 0) return tl::unexpected(cannot_write(path, code));
  return {};
}

}  // namespace sweep
