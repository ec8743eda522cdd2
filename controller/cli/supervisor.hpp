// The supervisor of a controller: starts it again when it dies.
//
// Rules: it is small and does nothing else, so that it has no reason to die itself. It holds the listening
// socket, so that the port stays the sweep's; keys and journal are in the output directory. It does not
// restart a controller that ended by itself, one that died before it had a sweep, or one that dies again and
// again.
#pragma once

#include <functional>
#include <string>

#include "proto/base/error.hpp"
#include "proto/net/fd.hpp"
#include "proto/net/signals.hpp"

namespace sweep::cli {

/// One life of a controller.
struct Life {
  int number = 0;         // from 0
  std::string directory;  // the sweep's output directory, once a life before has told; else empty
  std::string died_of;    // how the life before ended; empty for the first
  int tell_fd = -1;       // where this life writes the output directory, absolute, once the sweep is its own
  Fd listening;           // a copy of the supervisor's socket
};

/// Runs `live` in a child process, again and again where that is called for, and returns the status to exit
/// with: that of the last life. SIGTERM, SIGINT and SIGHUP of `signals` are handed on; a terminal's Ctrl-C
/// reaches the child by itself. Fails when it cannot begin. No thread may exist yet.
Expected<int> supervise(SignalFd& signals, const std::function<int(Life)>& live);

/// Says to the supervisor that the sweep in `directory` is this controller's.
void tell_directory(int fd, const std::string& directory);

}  // namespace sweep::cli
