#include "benchmarks/process_usage.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sweep::bench {

namespace fs = std::filesystem;

namespace {

std::string proc(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

/// Returns 1234 for name "VmRSS" in a file with the line "VmRSS:      1234 kB"; -1 if there is no such line.
long kib_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name + ":")) return std::stol(line.substr(name.size() + 1));
  }
  return -1;
}

}  // namespace

std::optional<Usage> usage_of(pid_t pid) {
  Usage usage;
  std::ifstream stat(proc(pid, "stat"));
  std::string line;
  if (!std::getline(stat, line)) return std::nullopt;
  // The program's name, in parentheses, may contain blanks. The field after it is the third one.
  std::istringstream fields(line.substr(line.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field)
    fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  usage.cpu_seconds = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.rss_kib = kib_of(proc(pid, "status"), "VmRSS");
  usage.peak_kib = kib_of(proc(pid, "status"), "VmHWM");
  usage.pss_kib = kib_of(proc(pid, "smaps_rollup"), "Pss");
  if (usage.rss_kib < 0) return std::nullopt;  // a zombie
  std::error_code code;
  for (fs::directory_iterator at(proc(pid, "fd"), code), end; !code && at != end; at.increment(code))
    ++usage.descriptors;
  return usage;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> found;
  std::error_code code;
  for (fs::directory_iterator at(proc(pid, "task"), code), end; !code && at != end; at.increment(code)) {
    std::ifstream children(at->path() / "children");
    for (pid_t child = 0; children >> child;) {
      found.push_back(child);
      const auto below = descendants_of(child);
      found.insert(found.end(), below.begin(), below.end());
    }
  }
  return found;
}

std::string program_of(pid_t pid) {
  std::ifstream comm(proc(pid, "comm"));
  std::string name;
  std::getline(comm, name);
  return name;
}

Expected<void> allow_descriptors(std::size_t wanted) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return {};
  rlimit raised{std::max<rlim_t>(limit.rlim_max, wanted), std::max<rlim_t>(limit.rlim_max, wanted)};
  raised.rlim_cur = wanted;
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) return {};
  return fail("cannot open " + std::to_string(wanted) + " files: RLIMIT_NOFILE allows only " +
              std::to_string(limit.rlim_max) + "; raise the hard limit (ulimit -Hn) or use fewer --agents");
}

}  // namespace sweep::bench
