// The supervisor of a controller: starts it again when it dies.
//
// Rules: it is small and does nothing else, so that it has no reason to die itself. It holds the listening
// socket, so that the port stays the sweep's; keys and journal are in the output directory. It does not
// restart a controller that ended by itself, one that died before it had a sweep, or one that dies again and
// again. One that cannot take over (the disk is full, the directory gone for a while) is tried again for as
// long as agents look for it.
#pragma once

#include <functional>
#include <string>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/signals.hpp"
#include "util/time.hpp"

namespace sweep::cli {

/// What a life says to its supervisor once a sweep is its own.
struct SupervisorNote {
  std::string directory;   // the sweep's output directory, absolute; empty: nothing was told
  std::string server_key;  // the sweep's, public
  Millis away{0};          // how long its agents look for a controller
};

/// One life of a controller.
struct Life {
  int number = 0;       // from 0
  SupervisorNote told;  // by a life before
  std::string died_of;  // how the life before ended; empty for the first
  int refused = 0;      // how many lives have ended with kTryAgain since then
  int tell_fd = -1;     // for tell()
  Fd listening;         // a copy of the supervisor's socket
};

/// The status of a life that could not take over what the one before has left, and may later: EX_TEMPFAIL.
inline constexpr int kTryAgain = 75;

/// Runs `live` in a child process, again and again where that is called for, and returns the status to exit
/// with: that of the last life. SIGTERM, SIGINT and SIGHUP of `signals` are handed on; a terminal's Ctrl-C
/// reaches the child by itself. Between two lives it also watches `lifeline`: when that closes, nobody wants
/// a controller any more. Fails when it cannot begin. No thread may exist yet.
Expected<int> supervise(SignalFd& signals, int lifeline, const std::function<int(Life)>& live);

/// Says to the supervisor that the sweep is this controller's, and closes the descriptor.
void tell(int fd, const SupervisorNote& told);

}  // namespace sweep::cli
