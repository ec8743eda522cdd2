#include "agent/io/leftovers.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <set>

#include "agent/core/environment.hpp"
#include "agent/io/processes.hpp"
#include "proto/net/clock.hpp"
#include "proto/net/fd.hpp"

namespace sweep::agent {

namespace {

/// The entries that a process of the step has; empty where they do not say which step it is.
std::vector<std::string> entries_of_step(const std::vector<std::string>& environment) {
  std::vector<std::string> out;
  for (const char* name : {"SLURM_JOB_ID", "SLURM_STEP_ID", "SLURMD_NODENAME"}) {
    const auto value = look_up(environment, name);
    if (!value || value->empty()) return {};
    out.push_back(std::string(name) + "=" + *value);
  }
  return out;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  std::error_code code;
  for (std::filesystem::directory_iterator at("/proc", code), end; !code && at != end; at.increment(code)) {
    const std::string name = at->path().filename().string();
    pid_t pid = 0;
    const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && stop == name.data() + name.size() && pid > 1) out.push_back(pid);
  }
  return out;
}

bool is_left(pid_t pid, const std::vector<std::string>& entries) {
  const auto has = [&](const std::string& entry) { return was_started_with(pid, entry).value_or(false); };
  return std::all_of(entries.begin(), entries.end(), has) && has_variable(pid, kMarkName);
}

/// Whether it was one, and was signalled.
bool end_if_left(pid_t pid, const std::vector<std::string>& entries) {
  // Held before it is looked at: its number may become another's.
  const Fd held(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!held.open() || !is_left(pid, entries)) return false;
  return ::syscall(SYS_pidfd_send_signal, held.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

int end_left_behind(const std::vector<std::string>& environment, Millis patience) {
  constexpr Millis kLookAgain{20};
  const auto entries = entries_of_step(environment);
  if (entries.empty()) return 0;
  const Instant until = now() + patience;
  std::set<pid_t> ended;
  for (bool some = true; some;) {
    some = false;
    for (const pid_t pid : all_processes()) {
      if (pid == ::getpid() || !end_if_left(pid, entries)) continue;
      ended.insert(pid);
      some = true;
    }
    if (now() >= until) break;
    if (some)
      ::poll(nullptr, 0, static_cast<int>(kLookAgain.count()));  // they may have had children meanwhile
  }
  return static_cast<int>(ended.size());
}

}  // namespace sweep::agent
