#include "container/io/descendants.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "util/os/clock.hpp"
#include "util/os/proc.hpp"

namespace sweep::container {

namespace fs = std::filesystem;

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> out;
  std::error_code code;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(pid) + "/task", code)) {
    std::ifstream file(task.path() / "children");
    out.insert(out.end(), std::istream_iterator<pid_t>(file), std::istream_iterator<pid_t>());
  }
  return out;
}

std::vector<pid_t> descendants_of(pid_t pid) {
  std::vector<pid_t> out = children_of(pid);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto more = children_of(out[i]);
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

namespace {

/// Until none is left; each is signalled while it is there, unless `signal` is 0.
bool see_off(int signal, Millis patience) {
  const Instant until = now() + patience;
  // Blocked, so that the end of one is not missed between looking and waiting.
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

}  // namespace

bool wait_for_children(Millis patience) {
  return see_off(0, patience);
}

void end_children(Millis patience) {
  see_off(SIGKILL, patience);
}

namespace {

bool is_inside(pid_t pid, const std::string& mark) {
  std::ifstream mounts("/proc/" + std::to_string(pid) + "/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    if (line.find(mark) != std::string::npos) return true;
  }
  return false;
}

std::vector<pid_t> all_inside(const fs::path& folder) {
  // Mounts are named from the root of their file system, which may be anywhere above.
  const std::string mark =
      "/" + folder.parent_path().filename().string() + "/" + folder.filename().string() + "/";
  std::vector<pid_t> out = other_processes();
  std::erase_if(out, [&](pid_t pid) { return !is_inside(pid, mark); });
  return out;
}

}  // namespace

bool end_inside(const std::string& folder, Millis patience) {
  constexpr Millis kLookAgain{20};
  const Instant until = now() + patience;
  for (;;) {
    bool none = true;
    for (const pid_t pid : all_inside(folder))
      none = ::kill(pid, SIGKILL) != 0 &&
             none;  // what this user may not kill is not in a container of this user's
    if (none || now() >= until) return none;
    ::poll(nullptr, 0, static_cast<int>(kLookAgain.count()));
  }
}

}  // namespace sweep::container
