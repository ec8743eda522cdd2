#include "util/os/program_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "util/os/fd.hpp"
#include "util/os/files.hpp"
#include "util/shell_word.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr mode_t kAnyExecute = S_IXUSR | S_IXGRP | S_IXOTH;

/// Returns the path as a word for a shell that no program takes for an option.
std::string quoted(const std::string& shown) {
  return shell_word(printable(shown.starts_with('-') ? "./" + shown : shown));
}

/// Returns the first line, or its beginning, of a file; "" if it cannot be read.
std::string first_line(const std::string& path) {
  constexpr std::size_t kMostOfLine = 256;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  char bytes[kMostOfLine];
  const ssize_t got = fd.open() ? ::read(fd.get(), bytes, sizeof bytes) : -1;
  std::string line(bytes, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  return line.substr(0, line.find('\n'));
}

}  // namespace

std::string interpreter_of(const std::string& path) {
  const std::string line = first_line(path);
  if (!line.starts_with("#!")) return {};
  const std::size_t begin = line.find_first_not_of(" \t", 2);
  if (begin == std::string::npos) return {};
  return line.substr(begin, line.find_first_of(" \t", begin) - begin);
}

std::string program_problem(const std::string& path, const std::string& shown) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  if (S_ISDIR(info.st_mode)) return "it is a directory";
  if (S_ISREG(info.st_mode) && (info.st_mode & kAnyExecute) == 0)
    return errno_text(EACCES) + "; make it executable: chmod +x " + quoted(shown);
  if (::access(path.c_str(), X_OK) != 0 && errno == EACCES) return errno_text(EACCES);
  const std::string line = first_line(path);
  if (line.starts_with("#!") && line.ends_with('\r'))
    return "its lines end in CR LF; remove the CR: sed -i 's/\\r$//' " + quoted(shown);
  return {};
}

}  // namespace sweep
