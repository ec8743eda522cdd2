// Starts programs and collects their exit status. Nothing here blocks, so it can be used in an EventLoop.
#pragma once

#include <sys/types.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/os/fd.hpp"

namespace sweep {

struct SpawnSpec {
  std::vector<std::string> argv;  // argv[0]: a path, or a name that is searched in PATH of `environment`
  std::vector<std::string> environment;  // the complete environment as NAME=value
  std::string directory;                 // working directory; empty: this process's
  int out = 1, err = 2;                  // descriptors that become 1 and 2; 0 is /dev/null
  bool own_group = true;                 // put it into a new process group, whose id is its pid
  bool dies_with_parent = true;          // the kernel sends it death_signal when this process dies
  int death_signal = SIGKILL;
  std::vector<int> more = {};  // descriptors that become 3, 4, …
};

struct Child {
  pid_t pid = -1;
  Fd pidfd;  // becomes readable when the process has ended
};

/// How a process ended: exactly one of the two is set.
struct ExitStatus {
  std::optional<int> code;    // the exit status
  std::optional<int> signal;  // the signal that ended it
};

/// Starts a program with no signal blocked and all at their defaults, except that SIGHUP, SIGINT and SIGQUIT
/// stay ignored if this process ignores them, and with no descriptors except 0, 1, 2 and those of `more`. A
/// script without a #! line runs under /bin/sh, as from a shell. Returns an error
/// "cannot start 'x': reason" if the program could not be executed; no process is left then.
Expected<Child> spawn(const SpawnSpec& spec);

/// Sends a signal through the child's descriptor. Unlike kill(), this never hits another process that got the
/// same pid.
void signal_child(const Child& child, int signal);

/// Reaps a child and returns how it ended; std::nullopt if it has not ended yet.
std::optional<ExitStatus> reap(pid_t pid);

/// A pipe. Both ends are close-on-exec; the read end does not block.
struct Pipe {
  Fd read_end, write_end;
};
/// Creates a pipe. Returns an error with the reason, such as too many open descriptors.
Expected<Pipe> make_pipe();

struct Chunk {
  std::string bytes;
  bool closed = false;  // end of file, or a read error
};
/// Reads the bytes that are available now, at most `limit`, from a non-blocking descriptor.
Chunk read_available(int fd, std::size_t limit);

/// Returns this process's environment as NAME=value.
std::vector<std::string> own_environment();

}  // namespace sweep
