#include "agent/io/leftovers.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "agent/core/environment.hpp"
#include "util/os/clock.hpp"
#include "util/os/fd.hpp"
#include "util/os/proc.hpp"

namespace sweep::agent {

namespace {

/// Returns the environment entries that identify a process of the step; empty if they do not name a step.
std::vector<std::string> step_entries(const std::vector<std::string>& environment) {
  std::vector<std::string> out;
  for (const char* name : {"SLURM_JOB_ID", "SLURM_STEP_ID", "SLURMD_NODENAME"}) {
    const auto value = look_up(environment, name);
    if (!value || value->empty()) return {};
    out.push_back(std::string(name) + "=" + *value);
  }
  return out;
}

bool is_leftover(pid_t pid, const std::vector<std::string>& entries) {
  const std::string environment = initial_environment(pid);
  const auto has = [&](const std::string& entry) { return environment_has_entry(environment, entry); };
  return std::all_of(entries.begin(), entries.end(), has) && environment_has_variable(environment, kMarkName);
}

/// Returns true if `pid` was left behind by the step, and has been killed.
bool kill_if_leftover(pid_t pid, const std::vector<std::string>& entries) {
  // The pidfd is opened before the check, because the number may be reused by another process.
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process.open() || !is_leftover(pid, entries)) return false;
  return ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

int kill_leftovers(const std::vector<std::string>& environment, Millis patience) {
  constexpr Millis kCheckAgain{20};
  constexpr Millis kExecPatience{1'000};  // on a busy machine
  const auto entries = step_entries(environment);
  if (entries.empty()) return 0;
  const Instant until = now() + patience, until_exec = now() + std::min(patience, kExecPatience);
  std::set<pid_t> killed;
  for (bool check_again = true; check_again;) {
    check_again = false;
    for (const pid_t pid : other_processes()) {
      if (kill_if_leftover(pid, entries)) {
        killed.insert(pid);
        check_again = true;
      } else if (now() < until_exec && may_be_in_exec(pid)) {
        check_again = true;
      }
    }
    if (now() >= until) break;
    // The killed processes may have started children in the meantime.
    if (check_again) ::poll(nullptr, 0, static_cast<int>(kCheckAgain.count()));
  }
  return static_cast<int>(killed.size());
}

}  // namespace sweep::agent
