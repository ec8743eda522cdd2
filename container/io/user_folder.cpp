#include "container/io/user_folder.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "util/os/files.hpp"

namespace sweep::container {

Expected<std::string> user_folder(const std::string& base) {
  const char* const tmp = std::getenv("TMPDIR");
  std::string folder = !base.empty() ? base : tmp != nullptr && tmp[0] == '/' ? tmp : "/tmp";
  folder += "/slurm-sweep-" + std::to_string(::getuid());
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return fail("cannot create '" + folder + "': " + errno_text(errno));
  struct stat info {};
  if (::lstat(folder.c_str(), &info) != 0) return fail("cannot read '" + folder + "': " + errno_text(errno));
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::getuid())
    return fail("cannot use '" + folder + "': it is not a directory that belongs to this user");
  return folder;
}

}  // namespace sweep::container
