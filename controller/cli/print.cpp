#include "controller/cli/print.hpp"

#include <unistd.h>

#include <cerrno>

#include "util/os/files.hpp"
#include "util/os/queued_writer.hpp"
#include "util/text.hpp"

namespace sweep::cli {

int print_out(const std::string& text) {
  const int code = write_all(STDOUT_FILENO, text);
  if (code == 0 || code == EPIPE) return 0;
  print_error("cannot write to standard output: " + errno_text(code));
  return 1;
}

void print_error(const std::string& message) {
  print_lines("sweepctl: " + printable(message) + "\n");
}

void print_error_list(const std::string& lines) {
  std::string out = "sweepctl: ";
  for (const std::string& line : split(lines, '\n'))
    out += printable(line) + "\n";
  print_lines(out);
}

void print_errors(const std::string& lines) {
  for (const std::string& line : split(lines, '\n')) {
    if (!line.empty()) print_error(line);
  }
}

void print_last_error(const std::string& message) {
  QueuedWriter writer(STDERR_FILENO);
  writer.write("sweepctl: " + printable(message) + "\n");
  static_cast<void>(writer.flush(Millis(2'000)));
}

void print_lines(const std::string& lines) {
  static_cast<void>(write_all(STDERR_FILENO, lines));
}

}  // namespace sweep::cli
