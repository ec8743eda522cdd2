// The commands that replace the tools of InferenceX's CI.
#include <unistd.h>

#include <array>
#include <cerrno>

#include "controller/ci/priority_command.hpp"
#include "controller/ci/process_changelog.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/print.hpp"
#include "util/os/files.hpp"

namespace sweep::cli {

namespace {

// Returns everything that standard input has until its end.
Expected<std::string> standard_input() {
  constexpr std::size_t kMost = 256u << 20;
  std::string out;
  std::array<char, 65'536> chunk{};
  while (out.size() <= kMost) {
    const ssize_t got = ::read(STDIN_FILENO, chunk.data(), chunk.size());
    if (got == 0) return out;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return fail("cannot read standard input: " + errno_text(errno) + "; give a file with --input");
    out.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return fail("standard input has more than " + std::to_string(kMost) + " bytes; give a smaller matrix");
}

int print_ci_output(const ci::CommandOutput& output) {
  const int printed = print_out(output.out);
  print_lines(output.err);
  return output.status != 0 ? output.status : printed;
}

}  // namespace

int process_changelog_command(const Arguments& arguments) {
  return print_ci_output(ci::run_process_changelog(arguments));
}

int ci_priority_command(const Arguments& arguments) {
  return print_ci_output(ci::run_ci_priority(arguments, standard_input));
}

}  // namespace sweep::cli
