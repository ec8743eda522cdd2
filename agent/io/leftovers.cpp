#include "agent/io/leftovers.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "agent/core/environment.hpp"
#include "agent/io/processes.hpp"
#include "util/os/clock.hpp"
#include "util/os/fd.hpp"
#include "util/os/proc.hpp"

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

bool is_left(pid_t pid, const std::vector<std::string>& entries) {
  const std::string own = environment_of(pid);
  const auto has = [&](const std::string& entry) { return has_entry(own, entry); };
  return std::all_of(entries.begin(), entries.end(), has) && has_variable(own, kMarkName);
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
    for (const pid_t pid : other_processes()) {
      if (!end_if_left(pid, entries)) continue;
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
