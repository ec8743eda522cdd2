// Child processes and pipes, as little as the plugin needs.
//
// Rules: all memory is allocated before fork, because srun has threads. A child gets stdin from /dev/null,
// stdout and stderr of its parent (/dev/null where the parent has none), the descriptors it is meant to have
// and no other. It stays in the parent's process group, so that one Ctrl-C on the terminal reaches both.
// Waiting is for events, with a deadline where a child is asked to end.
#pragma once

#include <sys/types.h>

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

struct Started {
  pid_t pid = -1;
  int error = 0;  // errno of what failed, exec included; 0 when the program runs
};

/// Runs command[0], without searching PATH. `first` and `second` (or -1) are the descriptors it gets.
Started start_child(const std::vector<std::string>& command, int first, int second);

/// How a child ended.
struct Ended {
  bool known = false;  // false when somebody else has waited for it
  int status = 0;      // as waitpid() says
  bool ok() const;
  std::string describe() const;  // "exit status 3", "signal 9 (Killed)"
};

/// Waits until the child has ended, however long that takes. srun blocks SIGTERM and nothing takes it once
/// its signal thread has gone, so whoever asks srun to end meanwhile is heard here: the child is told.
Ended wait_child(pid_t pid);

/// Asks the child to end, kills it after `seconds`, and waits.
Ended stop_child(pid_t pid, int seconds);

/// For a child that is ending by itself: stop_child() only if it has not ended after `seconds`.
Ended let_end(pid_t pid, int seconds);

/// From now on children of this process can be waited for, even when it was started with SIGCHLD ignored.
void expect_children();

enum class LineEnd { kLine, kClosed, kTooLong, kTimeout, kError };

struct Line {
  LineEnd end = LineEnd::kError;
  std::string text;  // without the newline
};

/// Reads up to the first newline, at most `limit` characters, and for at most `seconds`.
Line read_line(int fd, std::size_t limit, unsigned seconds);

}  // namespace sweep::plugin
