#include "controller/cli/print.hpp"

#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep::cli {

namespace {

// 0, or errno.
int write_to(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

int print_out(const std::string& text) {
  const int code = write_to(STDOUT_FILENO, text);
  if (code == 0 || code == EPIPE) return 0;
  print_error("cannot write to standard output: " + errno_text(code));
  return 1;
}

void print_error(const std::string& message) {
  print_lines("sweepctl: " + printable(message) + "\n");
}

void print_errors(const std::string& lines) {
  for (const std::string& line : split(lines, '\n')) {
    if (!line.empty()) print_error(line);
  }
}

void print_lines(const std::string& lines) {
  static_cast<void>(write_to(STDERR_FILENO, lines));
}

}  // namespace sweep::cli
