// Runs part of a test in a child process: because it would harm the test's process, or must not share its
// file locks (within one process SQLite does not use them).
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace sweep {

/// Runs `what` in a forked child and returns its return value. The child exits without running destructors.
inline std::string in_child(const std::function<std::string()>& what) {
  int ends[2];
  if (::pipe(ends) != 0) return "no pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string text = what();
    const bool written = ::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char bytes[4096];
  for (ssize_t got; (got = ::read(ends[0], bytes, sizeof bytes)) > 0;)
    text.append(bytes, static_cast<std::size_t>(got));
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : text + " (the child failed)";
}

/// A child that runs `what` and then pauses until it is killed with SIGKILL, so that it cannot clean up.
class PausedChild {
 public:
  explicit PausedChild(const std::function<void()>& what) {
    int ends[2];
    if (::pipe(ends) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // also if the test itself is killed
      what();
      ::close(ends[0]);
      ::close(ends[1]);
      for (;;)
        ::pause();
    }
    ::close(ends[1]);
    char byte;
    while (::read(ends[0], &byte, 1) > 0) {
    }
    ::close(ends[0]);
  }
  ~PausedChild() { kill(); }
  PausedChild(const PausedChild&) = delete;
  PausedChild& operator=(const PausedChild&) = delete;
  void kill() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
    child_ = -1;
  }

 private:
  pid_t child_ = -1;
};

}  // namespace sweep
