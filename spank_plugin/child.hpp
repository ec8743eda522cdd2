// Child processes and pipes, as little as the plugin needs.
//
// Rules: all memory is allocated before fork, because srun has threads. A child gets stdin from /dev/null,
// stdout and stderr of its parent (/dev/null where the parent has none), the descriptors it is meant to have
// and no other. It stays in the parent's process group, so that one Ctrl-C on the terminal reaches both.
// No wait is without a deadline, and each is for events (where the kernel has no pidfd, the end of a child is
// looked for ten times a second instead). Not even a child that cannot be killed holds its parent up.
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

/// A pipe whose ends no other program inherits, and which never stands in for a closed stdin, stdout or
/// stderr of this process.
Pipe make_pipe();

/// Where a child finds the first and the second descriptor given to start_child().
inline constexpr int kFirstChildFd = 3;
inline constexpr int kSecondChildFd = 4;

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

inline Deadline in_seconds(unsigned seconds) {
  return Clock::now() + std::chrono::seconds(seconds);
}

struct Started {
  pid_t pid = -1;
  int error = 0;      // errno of what failed, exec included; 0 when the program runs
  bool late = false;  // exec took until the deadline (a file system that hangs), and was ended
  bool ok() const { return error == 0 && !late; }
};

/// Runs command[0], without searching PATH. `first` and `second` (or -1) are the descriptors it gets.
Started start_child(const std::vector<std::string>& command, int first, int second, Deadline deadline);

/// How a child ended.
struct Ended {
  bool known = false;  // false when it has not ended, or somebody else has waited for it
  bool late = false;   // it has not ended
  int status = 0;      // as waitpid() says
  bool ok() const;
  std::string describe() const;  // "exit status 3", "signal 9 (Killed)"
};

/// Waits until the child has ended or the deadline has passed. srun blocks SIGTERM and nothing takes it once
/// its signal thread has gone, so whoever asks srun to end meanwhile is heard here: the child is told.
Ended wait_child(pid_t pid, Deadline deadline);

/// Asks the child to end, and kills it after `seconds`. Late only if not even that ends it.
Ended stop_child(pid_t pid, unsigned seconds);

/// For a child that is ending by itself: stop_child() only if it has not ended after `seconds`.
Ended let_end(pid_t pid, unsigned seconds);

/// From now on children of this process can be waited for, even when it was started with SIGCHLD ignored.
void expect_children();

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
  std::string rest_;  // that came with the lines before
};

}  // namespace sweep::plugin
