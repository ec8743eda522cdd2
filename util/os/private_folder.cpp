#include "util/os/private_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "util/os/files.hpp"

namespace sweep {

namespace {

constexpr int kMostNames = 1'000;
constexpr int kMostRetries = 100;

/// Returns why an existing file cannot be this user's private folder; "" if it can.
std::string objection(const struct stat& info) {
  if (S_ISLNK(info.st_mode)) return "it is a symbolic link";
  if (!S_ISDIR(info.st_mode)) return "it is not a directory";
  if (info.st_uid != ::geteuid()) return "it belongs to uid " + std::to_string(info.st_uid);
  if ((info.st_mode & 077) != 0) return "other users have access to it";
  return {};
}

}  // namespace

Expected<PrivateFolder> private_folder(const std::string& root, const std::string& name) {
  const std::string first = root + "/" + name;
  std::string reason;
  int retries = kMostRetries;
  for (int n = 1; n <= kMostNames; ++n) {
    const std::string path = n == 1 ? first : first + "-" + std::to_string(n);
    const bool made = ::mkdir(path.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) return fail("cannot create '" + path + "': " + errno_text(errno));
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      // Another process of this user has just removed the empty folder.
      if (errno != ENOENT || retries-- == 0) return fail("cannot read '" + path + "': " + errno_text(errno));
      --n;
      continue;
    }
    const std::string wrong = objection(info);
    if (n == 1) reason = wrong;
    if (!wrong.empty()) continue;
    PrivateFolder out{path, {}};
    if (made && n > 1) out.note = "cannot use '" + first + "': " + reason + "; using '" + path + "' instead";
    return out;
  }
  return fail("cannot use '" + first + "': " + reason + ", and " + std::to_string(kMostNames - 1) +
              " other names are taken too; ask the administrator to remove them");
}

}  // namespace sweep
