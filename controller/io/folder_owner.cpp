#include "controller/io/folder_owner.hpp"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "util/os/files.hpp"

namespace sweep {

namespace {

namespace fs = std::filesystem;

/// Appends the owners of all folders and links of an absolute path.
void add_owners(const fs::path& path, std::vector<uid_t>& out) {
  fs::path at;
  for (const fs::path& part : path) {
    at /= part;
    struct stat info {};
    if (::lstat(at.c_str(), &info) == 0) out.push_back(info.st_uid);
  }
}

std::string user_name(uid_t uid) {
  const passwd* const entry = ::getpwuid(uid);
  return entry == nullptr ? "uid " + std::to_string(uid) : entry->pw_name;
}

/// Gives up root for good.
Expected<void> become(uid_t uid, gid_t group_of_folder) {
  const passwd* const entry = ::getpwuid(uid);
  const gid_t gid = entry == nullptr ? group_of_folder : entry->pw_gid;
  const int groups = entry == nullptr ? ::setgroups(0, nullptr) : ::initgroups(entry->pw_name, gid);
  if (groups == 0 && ::setresgid(gid, gid, gid) == 0 && ::setresuid(uid, uid, uid) == 0) return {};
  return fail("cannot become " + user_name(uid) + ": " + errno_text(errno));
}

}  // namespace

std::optional<uid_t> user_to_become(uid_t self, uid_t owner, const std::vector<uid_t>& above) {
  if (self != 0) return std::nullopt;
  if (owner != 0) return owner;
  const auto last = std::find_if(above.rbegin(), above.rend(), [](uid_t uid) { return uid != 0; });
  return last == above.rend() ? std::nullopt : std::optional(*last);
}

Expected<std::string> become_owner(const std::string& folder) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &info) != 0) return std::string();
  std::error_code code;
  std::vector<uid_t> above;
  add_owners(fs::canonical(folder, code), above);
  add_owners(fs::absolute(folder, code), above);
  const auto uid = user_to_become(::geteuid(), info.st_uid, above);
  if (!uid) return std::string();
  SWEEP_TRY(become(*uid, info.st_gid));
  return "'" + folder + "' belongs to " + user_name(*uid) + ": going on as that user instead of root";
}

Expected<void> check_not_root_in(const std::string& folder) {
  struct stat info {};
  if (::geteuid() != 0 || ::stat(folder.c_str(), &info) != 0 || info.st_uid == 0) return {};
  const std::string user = user_name(info.st_uid);
  return fail("cannot resume the sweep in '" + folder + "' as root: it belongs to " + user +
              ", who could not go on with root's files; resume it as " + user);
}

}  // namespace sweep
