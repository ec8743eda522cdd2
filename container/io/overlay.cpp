#include "container/io/overlay.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "util/os/files.hpp"

namespace sweep::container {

namespace {

constexpr int kCannot = 125;

int report_failure(const std::string& what, int code) {
  std::fprintf(stderr, "sweep-agent: %s: %s\n", what.c_str(), errno_text(code).c_str());
  return kCannot;
}

bool write_to(const char* path, const std::string& text) {
  const int fd = ::open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool good = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  return good;
}

/// Returns the path as part of a mount option of overlayfs, with its separators escaped.
std::string escaped(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

/// Enters a new mount namespace, and for ordinary users also a user namespace in which the user keeps its id.
bool enter_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (user == 0) return ::unshare(CLONE_NEWNS) == 0;
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  const auto map = [](unsigned id) { return std::to_string(id) + " " + std::to_string(id) + " 1"; };
  return write_to("/proc/self/setgroups", "deny") && write_to("/proc/self/uid_map", map(user)) &&
         write_to("/proc/self/gid_map", map(group));
}

}  // namespace

int overlay(const std::vector<std::string>& words) {
  constexpr std::size_t kFolders = 4;
  if (words.size() < kFolders + 2 || words[kFolders] != "--") {
    std::fprintf(stderr, "sweep-agent: --overlay LOWER UPPER WORK ROOT -- COMMAND...\n");
    return 2;
  }
  const std::string &lower = words[0], &root = words[3];
  if (!enter_namespaces()) return report_failure("cannot create a user namespace", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    return report_failure("cannot make mounts private", errno);
  const std::string options =
      "lowerdir=" + escaped(lower) + ",upperdir=" + escaped(words[1]) + ",workdir=" + escaped(words[2]);
  const std::string as_user = options + ",userxattr";
  const bool mounted = ::mount("overlay", root.c_str(), "overlay", 0, as_user.c_str()) == 0 ||
                       ::mount("overlay", root.c_str(), "overlay", 0, options.c_str()) == 0;
  if (!mounted) {
    const int code = errno;
    if (::mount(lower.c_str(), root.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
        ::mount(nullptr, root.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV,
                nullptr) != 0)
      return report_failure("cannot mount '" + lower + "'", errno);
    std::fprintf(stderr, "sweep-agent: warning: the image is mounted read-only, except /tmp: overlayfs: %s\n",
                 errno_text(code).c_str());
  }
  std::vector<char*> argv;
  for (std::size_t i = kFolders + 1; i < words.size(); ++i)
    argv.push_back(const_cast<char*>(words[i].c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  return report_failure("cannot start '" + words[kFolders + 1] + "'", errno);
}

}  // namespace sweep::container
