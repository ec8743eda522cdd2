// Child processes and pipes for the plugin.
//
// Rules: all memory is allocated before fork, because srun has threads. A child gets stdin from /dev/null,
// stdout and stderr of its parent (/dev/null if the parent's are closed), the descriptors that it is given,
// and no others. It stays in the parent's process group, so that one Ctrl-C on the terminal reaches both.
// Every wait has a deadline and waits for an event (if the kernel has no pidfd, the child is checked ten
// times a second instead). Not even a child that cannot be killed blocks its parent.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace sweep::plugin {

/// A file descriptor that is closed at the end of its scope.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  int get() const { return fd_; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

struct Pipe {
  Fd read;
  Fd write;
  int error = 0;  // errno; 0 when both ends are open
};

/// Returns a pipe whose ends are closed on exec and are never the descriptors 0, 1 or 2, even if those are
/// closed.
Pipe make_pipe();

/// The numbers that the first and the second descriptor given to start_child() have in the child.
inline constexpr int kFirstChildFd = 3;
inline constexpr int kSecondChildFd = 4;

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Deadline in_seconds(unsigned seconds) {
  return Clock::now() + std::chrono::seconds(seconds);
}

struct Started {
  pid_t pid = -1;
  int error = 0;  // errno of what failed, exec included; 0 when the program runs
  bool late =
      false;  // exec did not finish before the deadline (a file system that hangs); the child was killed
  bool ok() const { return error == 0 && !late; }
};

/// Runs command[0] without searching PATH. The child gets the descriptors `first` and `second` (-1: none).
Started start_child(const std::vector<std::string>& command, int first, int second, Deadline deadline);

/// How a child ended.
struct Ended {
  bool known = false;  // false if it has not ended, or was reaped elsewhere
  bool late = false;   // it has not ended
  int status = 0;      // from waitpid()
  bool ok() const;
  std::string describe() const;  // "exit status 3", "signal 9 (Killed)"
};

/// Waits until the child has ended or the deadline has passed. A SIGTERM that arrives meanwhile is forwarded
/// to the child: srun blocks it, and once its signal thread has ended nothing else receives it.
Ended wait_child(pid_t pid, Deadline deadline);

/// Sends SIGTERM to the child, and SIGKILL after `seconds`. The result is late only if that does not end it
/// either.
Ended stop_child(pid_t pid, unsigned seconds);

/// Waits up to `seconds` for a child that is ending by itself, then calls stop_child().
Ended wait_or_stop(pid_t pid, unsigned seconds);

/// Makes children of this process waitable, also if it was started with SIGCHLD ignored.
void enable_waiting();

/// Closes all descriptors from `lowest` up. For a child between fork and exec: it is async-signal-safe.
void close_from(int lowest);

enum class LineEnd { kLine, kClosed, kTooLong, kTimeout, kError };

struct Line {
  LineEnd end = LineEnd::kError;
  std::string text;  // without the newline
};

/// Reads lines, each of at most `limit` characters, its newline included.
class LineReader {
 public:
  LineReader(int fd, std::size_t limit, Deadline deadline) : fd_(fd), limit_(limit), deadline_(deadline) {}
  Line next();

 private:
  int fd_;
  std::size_t limit_;
  Deadline deadline_;
  std::string rest_;  // read but not returned yet
};

}  // namespace sweep::plugin
