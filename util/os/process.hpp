// Starting a program and learning of its end: passive, for use in an EventLoop.
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
  std::vector<std::string> argv;         // argv[0]: a path, or a name looked up in the environment's PATH
  std::vector<std::string> environment;  // NAME=value, all of it
  std::string directory;                 // to run in; empty: this process's
  int out = 1, err = 2;                  // descriptors that become 1 and 2; 0 is /dev/null
  bool own_group = true;                 // a process group of its own, named by its pid
  bool dies_with_parent = true;          // death_signal when this process dies
  int death_signal = SIGKILL;
  std::vector<int> more = {};  // descriptors that become 3, 4, …
};

struct Child {
  pid_t pid = -1;
  Fd pidfd;  // readable once it has ended
};

/// How a process ended.
struct ExitStatus {
  std::optional<int> code;
  std::optional<int> signal;
};

/// Starts a program with no signal blocked or ignored and no descriptor but 0, 1, 2 and those of `more`. A
/// script without a
/// #! line runs under /bin/sh, as from a shell. Fails with "cannot start 'x': reason" (nothing was started).
Expected<Child> spawn(const SpawnSpec& spec);

/// Signals a child by its descriptor: it may have been collected, and its number be another's.
void signal_child(const Child& child, int signal);

/// Takes the status of a child that has ended; nothing when it has not.
std::optional<ExitStatus> reap(pid_t pid);

/// A pipe, both ends close-on-exec, the reading end non-blocking.
struct Pipe {
  Fd read_end, write_end;
};
Expected<Pipe> make_pipe();

/// What is there to read now, at most `limit` bytes; `closed` when the other end is gone.
struct Chunk {
  std::string bytes;
  bool closed = false;
};
Chunk read_available(int fd, std::size_t limit);

/// This process's environment as NAME=value.
std::vector<std::string> own_environment();

}  // namespace sweep
