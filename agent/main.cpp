// sweep-agent: takes the place of a Slurm task, or is a child of `sweepctl run`, and runs the benchmarks that
// the controller leases to it. What it does: core/agent.hpp. How: io/driver.hpp.
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include "agent/io/driver.hpp"
#include "agent/io/own_secret.hpp"
#include "proto/base/text.hpp"

namespace {

constexpr const char* kHelp =
    "Usage: sweep-agent [-- CMD [ARG...]]\n"
    "\n"
    "Takes part in a sweep: runs CMD once for each point that the controller leases to it, with the point in "
    "the\n"
    "environment. Without CMD, the benchmark that the sweep's profile names.\n"
    "\n"
    "People need not start it: srun --sweep-config=FILE and sweepctl run do. They hand it the controller's "
    "address\n"
    "and keys in its environment.\n"
    "\n"
    "  --help     this text\n"
    "  --version  the version\n";

constexpr int kUsage = 2;

int run(const std::vector<std::string>& words) {
  using namespace sweep::agent;
  const std::string first = words.empty() ? "--" : words[0];
  if (first == "--help" || first == "-h") {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (first == "--version") {
    std::puts("sweep-agent " SWEEP_VERSION);
    return 0;
  }
  if (first != "--") {
    print_line("unknown argument '" + sweep::printable(first) + "': the command stands after --; see --help");
    return kUsage;
  }
  const auto access = take_access();
  if (!access) {
    print_line(access.error().message);
    return kUsage;
  }
  const std::size_t head = words.empty() ? 0 : 1;
  return take_part(*access,
                   make_setup(*access, {words.begin() + static_cast<std::ptrdiff_t>(head), words.end()}));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    sweep::agent::print_line("internal error: " + std::string(error.what()));
    return 1;
  }
}
