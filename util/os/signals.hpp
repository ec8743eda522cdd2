// Delivers signals through a file descriptor, for use in an event loop, and sets the dispositions that every
// program of ours starts with.
//
// A signal that was ignored when the program was started stays ignored: nohup ignores SIGHUP, and a shell
// without job control ignores SIGINT and SIGQUIT in background jobs. Such a signal must not be blocked,
// because the kernel queues blocked signals even if they are ignored, and a signalfd would deliver them.
#pragma once

#include <initializer_list>
#include <vector>

#include "util/os/fd.hpp"

namespace sweep {

/// Returns true if this process ignores `signal`. To be called before the program changes any disposition.
bool is_ignored(int signal);

/// Returns those of `signals` that this process does not ignore, in the same order.
std::vector<int> without_ignored(std::initializer_list<int> signals);

/// Sets the dispositions that a program needs whatever it was started with: SIGPIPE and SIGXFSZ are ignored,
/// so that a write that cannot be completed fails with EPIPE or EFBIG and does not end the process; SIGCHLD
/// has its default, because the kernel reaps children itself if it is ignored. SignalFd calls this too.
void set_standard_dispositions();

class SignalFd {
 public:
  /// Blocks those of `signals` that are not ignored in this thread, and sets the standard dispositions. Call
  /// it before any thread is started (ZeroMQ starts some), because threads inherit the mask. Throws
  /// std::system_error on failure.
  explicit SignalFd(std::initializer_list<int> signals);

  /// Returns a descriptor that is readable when a signal has arrived.
  int fd() const { return fd_.get(); }
  /// Returns the signals that have arrived since the last call. Never blocks.
  std::vector<int> take();

 private:
  Fd fd_;
};

}  // namespace sweep
