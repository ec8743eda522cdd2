// Signals as descriptors. Blocked in the whole process before any thread exists, read where the loop is.
#pragma once

#include <initializer_list>
#include <vector>

#include "util/os/fd.hpp"

namespace sweep {

class SignalFd {
 public:
  /// Blocks `signals` and ignores SIGPIPE. Call before ZeroMQ starts its threads.
  explicit SignalFd(std::initializer_list<int> signals);

  int fd() const { return fd_.get(); }
  /// The signals that came since the last call. Never blocks.
  std::vector<int> take();

 private:
  Fd fd_;
};

}  // namespace sweep
