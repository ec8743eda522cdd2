#include "container/io/end_processes.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <vector>

#include "util/os/clock.hpp"
#include "util/os/proc.hpp"

namespace sweep::container {

namespace {

/// Reaps children until none is left or `patience` is over; sends `signal` to those that are left, unless it
/// is 0. Returns true if none is left.
bool reap_children(int signal, Millis patience) {
  const Instant until = now() + patience;
  // Blocked, so that a child that ends between the check and the wait is not missed.
  sigset_t child, before;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child, &before);
  bool none = false;
  for (;;) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    const auto left = children_of(::getpid());
    const Millis wait = until - now();
    none = left.empty();
    if (none || wait.count() <= 0) break;
    for (const pid_t pid : left) {
      if (signal != 0) ::kill(pid, signal);
    }
    const timespec time{wait.count() / 1000, (wait.count() % 1000) * 1'000'000};
    ::sigtimedwait(&child, nullptr, &time);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  return none;
}

bool has_mounted(pid_t pid, const std::string& part_of_path) {
  std::ifstream mounts("/proc/" + std::to_string(pid) + "/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(part_of_path) != std::string::npos) return true;
  }
  return false;
}

std::vector<pid_t> processes_mounting(const std::filesystem::path& folder) {
  // mountinfo names sources relative to the root of their file system, which may be mounted anywhere. So only
  // the last two components of the path are compared.
  const std::string tail =
      "/" + folder.parent_path().filename().string() + "/" + folder.filename().string() + "/";
  std::vector<pid_t> out = other_processes();
  std::erase_if(out, [&](pid_t pid) { return !has_mounted(pid, tail); });
  return out;
}

}  // namespace

bool wait_for_children(Millis patience) {
  return reap_children(0, patience);
}

void kill_children(Millis patience) {
  reap_children(SIGKILL, patience);
}

bool kill_mounting(const std::string& folder, Millis patience) {
  constexpr Millis kRecheck{20};
  const Instant until = now() + patience;
  for (;;) {
    bool none = true;
    // A process that this user may not kill is not in a container of this user.
    for (const pid_t pid : processes_mounting(folder))
      none = ::kill(pid, SIGKILL) != 0 && none;
    if (none || now() >= until) return none;
    ::poll(nullptr, 0, static_cast<int>(kRecheck.count()));
  }
}

}  // namespace sweep::container
