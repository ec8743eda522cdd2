#include "util/os/beneath.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "util/text.hpp"

namespace sweep {

namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
constexpr mode_t kFolderMode = 0777;  // the umask applies

std::string path_below(const std::string& root, const std::string& path) {
  return path.empty() ? root : root + "/" + path;
}

tl::unexpected<Error> could_not(const std::string& doing, const std::string& file, int code) {
  return fail("cannot " + doing + " '" + file + "': " + errno_text(code));
}

tl::unexpected<Error> link_refused(const std::string& file) {
  return fail("cannot use '" + file +
              "': it is a symbolic link, which another user may have put there; remove it");
}

/// Opens the target of `link`, which was opened with O_PATH, if the link belongs to this user or to root.
Expected<Fd> follow_own_link(const Fd& link, const struct stat& info, const std::string& root) {
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    return fail("cannot use '" + root + "': it is a symbolic link of uid " + std::to_string(info.st_uid) +
                "; give the directory itself");
  std::array<char, PATH_MAX> target{};
  const ssize_t length = ::readlinkat(link.get(), "", target.data(), target.size() - 1);
  if (length < 0) return could_not("read", root, errno);
  const std::filesystem::path whole = std::filesystem::path(root).parent_path() /
                                      std::string(target.data(), static_cast<std::size_t>(length));
  Fd fd(::open(whole.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.open()) return could_not("open", root, errno);
  return fd;
}

Expected<Fd> open_root(std::string root) {
  while (root.size() > 1 && root.back() == '/')
    root.pop_back();
  const Fd place(::open(root.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat info {};
  if (!place.open() || ::fstat(place.get(), &info) != 0) return could_not("open", root, errno);
  if (S_ISLNK(info.st_mode)) return follow_own_link(place, info, root);
  Fd fd(::openat(place.get(), ".", kOpenFolder));
  if (!fd.open()) return could_not("open", root, errno);
  return fd;
}

/// A file's folder, and its name in it.
struct Place {
  Fd folder;
  std::string name;
};

/// Opens the folders above `path` one by one. `make`: creates those that do not exist.
Expected<Place> place_of(const std::string& root, const std::string& path, bool make = false) {
  SWEEP_ASSIGN(auto at, open_root(root));
  std::vector<std::string> names = split(path, '/');
  std::string walked;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    walked += (walked.empty() ? "" : "/") + names[i];
    if (make && ::mkdirat(at.get(), names[i].c_str(), kFolderMode) != 0 && errno != EEXIST)
      return could_not("create the directory", path_below(root, walked), errno);
    Fd next(::openat(at.get(), names[i].c_str(), kOpenFolder));
    struct stat info {};
    if (!next.open() && ::fstatat(at.get(), names[i].c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISLNK(info.st_mode))
      return link_refused(path_below(root, walked));
    if (!next.open()) return could_not("open", path_below(root, walked), errno);
    at = std::move(next);
  }
  return Place{std::move(at), names.back()};
}

std::vector<std::string> names_in_folder(Fd folder) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(folder.get()), &::closedir);
  if (!entries) return out;
  folder.release();  // closedir() closes it
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") out.push_back(name);
  }
  return out;
}

/// Removes `name` in `folder` with everything in it. Returns errno, or 0.
int remove_tree(const Fd& folder, const std::string& name, int depth) {
  constexpr int kDeepest = 64;
  if (::unlinkat(folder.get(), name.c_str(), 0) == 0 || errno == ENOENT) return 0;
  if (errno != EISDIR && errno != EPERM) return errno;
  Fd inner(::openat(folder.get(), name.c_str(), kOpenFolder));
  if (!inner.open() || depth > kDeepest) return errno;
  for (const std::string& entry : names_in_folder(Fd(::openat(inner.get(), ".", kOpenFolder)))) {
    if (const int code = remove_tree(inner, entry, depth + 1); code != 0) return code;
  }
  return ::unlinkat(folder.get(), name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : errno;
}

}  // namespace

Expected<Fd> open_beneath(const std::string& root, const std::string& path, int flags, unsigned mode) {
  SWEEP_ASSIGN(const auto place, place_of(root, path));
  const std::string file = path_below(root, path);
  Fd fd(::openat(place.folder.get(), place.name.c_str(),
                 flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode));
  if (!fd.open() && errno == ELOOP) return link_refused(file);
  if (!fd.open() && errno != ENXIO) return could_not("open", file, errno);
  struct stat info {};
  // ENXIO: a FIFO without a reader.
  if (!fd.open() || ::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail("cannot use '" + file + "': it is not a regular file; remove it");
  const bool writes = (flags & O_ACCMODE) != O_RDONLY;
  if (writes && info.st_nlink > 1)
    return fail("cannot write '" + file + "': it is also the file of another name (hard link); remove it");
  return fd;
}

Expected<void> append_beneath(const std::string& root, const std::string& path, std::string_view bytes) {
  SWEEP_ASSIGN(const auto fd, open_beneath(root, path, O_WRONLY | O_CREAT | O_APPEND));
  if (const int code = write_all(fd.get(), bytes); code != 0)
    return could_not("write", path_below(root, path), code);
  return {};
}

Expected<void> write_beneath(const std::string& root, const std::string& path, std::string_view bytes,
                             unsigned mode, Sync sync) {
  FileBeneath file(root, path, mode, sync);
  file.write(bytes);
  return file.finish();
}

Expected<void> make_folders_beneath(const std::string& root, const std::string& path) {
  SWEEP_TRY(place_of(root, path + "/.", true));
  return {};
}

std::vector<std::string> names_beneath(const std::string& root, const std::string& path) {
  auto place = path.empty() ? place_of(root, ".") : place_of(root, path + "/.");
  return place ? names_in_folder(std::move(place->folder)) : std::vector<std::string>();
}

Expected<void> remove_beneath(const std::string& root, const std::string& path) {
  const auto place = place_of(root, path);
  if (!place) return tl::unexpected(place.error());
  if (::unlinkat(place->folder.get(), place->name.c_str(), 0) != 0 && errno != ENOENT)
    return could_not("remove", path_below(root, path), errno);
  return {};
}

Expected<void> remove_tree_beneath(const std::string& root, const std::string& path) {
  const auto place = place_of(root, path);
  if (!place)
    return names_beneath(root, path.substr(0, path.rfind('/'))).empty() ? Expected<void>()
                                                                        : tl::unexpected(place.error());
  if (const int code = remove_tree(place->folder, place->name, 0); code != 0)
    return could_not("remove", path_below(root, path), code);
  return {};
}

Expected<void> rename_beneath(const std::string& root, const std::string& from, const std::string& to) {
  SWEEP_ASSIGN(const auto old, place_of(root, from));
  SWEEP_ASSIGN(const auto fresh, place_of(root, to));
  if (::renameat(old.folder.get(), old.name.c_str(), fresh.folder.get(), fresh.name.c_str()) != 0)
    return could_not("rename", path_below(root, from), errno);
  return {};
}

FileBeneath::FileBeneath(const std::string& root, const std::string& path, unsigned mode, Sync sync)
    : shown_(path_below(root, path)), sync_(sync) {
  auto place = place_of(root, path);
  if (!place) {
    state_ = tl::unexpected(place.error());
    return;
  }
  folder_ = std::move(place->folder);
  name_ = place->name;
  temporary_ = name_ + ".tmp-" + std::to_string(::getpid());
  ::unlinkat(folder_.get(), temporary_.c_str(), 0);  // of a process of the same id that was killed
  fd_.reset(::openat(folder_.get(), temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (!fd_.open()) state_ = could_not("write", shown_, errno);
}

FileBeneath::~FileBeneath() {
  if (fd_.open()) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
}

void FileBeneath::write(std::string_view bytes) {
  constexpr std::size_t kBuffer = 256 * 1024;
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() < kBuffer) {
    buffer_ += bytes;
  } else {
    write_now(bytes);
  }
}

void FileBeneath::flush() {
  write_now(buffer_);
  buffer_.clear();
}

void FileBeneath::write_now(std::string_view bytes) {
  if (!state_) return;
  if (const int code = write_all(fd_.get(), bytes); code != 0) state_ = could_not("write", shown_, code);
}

Expected<void> FileBeneath::finish() {
  flush();
  if (state_ && sync_ == Sync::Yes && ::fsync(fd_.get()) != 0) state_ = could_not("write", shown_, errno);
  if (state_ && ::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str()) != 0)
    state_ = could_not("write", shown_, errno);
  if (state_) fd_.reset();
  return state_;
}

}  // namespace sweep
