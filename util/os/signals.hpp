// Delivers signals through a file descriptor, for use in an event loop.
#pragma once

#include <initializer_list>
#include <vector>

#include "util/os/fd.hpp"

namespace sweep {

class SignalFd {
 public:
  /// Blocks `signals` in this thread and ignores SIGPIPE. Call it before any thread is started (ZeroMQ starts
  /// some), because threads inherit the mask. Throws std::system_error on failure.
  explicit SignalFd(std::initializer_list<int> signals);

  /// Returns a descriptor that is readable when a signal has arrived.
  int fd() const { return fd_.get(); }
  /// Returns the signals that have arrived since the last call. Never blocks.
  std::vector<int> take();

 private:
  Fd fd_;
};

}  // namespace sweep
