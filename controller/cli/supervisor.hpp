// The supervisor of a controller: restarts it when it dies.
//
// Rules: it is small and does nothing else, so that it has no reason to die itself. It holds the listening
// socket, so that the sweep keeps its port; keys and journal are in the output directory. It does not restart
// a controller that exited by itself, one that died before it had opened a sweep, or one that dies
// repeatedly. A controller that cannot take over yet (the disk is full, the directory is temporarily gone) is
// started again for as long as agents look for it.
#pragma once

#include <functional>
#include <string>

#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/signals.hpp"
#include "util/time.hpp"

namespace sweep::cli {

/// What a controller reports to its supervisor once it has opened its sweep.
struct SupervisorNote {
  std::string directory;   // the sweep's output directory, absolute; "": no sweep was opened
  std::string server_key;  // the sweep's public key
  Millis away{0};          // how long its agents look for a controller
};

/// One start of the controller process.
struct ControllerStart {
  int number = 0;       // from 0
  SupervisorNote note;  // from an earlier start
  std::string cause;    // why the previous controller died; "" at the first start
  int refused = 0;      // how many controllers in a row have exited with kTryAgainLater
  int note_fd = -1;     // for send_note()
  Fd listening;         // a copy of the supervisor's socket
};

/// The exit status of a controller that cannot take over the sweep now but may be able to later: EX_TEMPFAIL.
inline constexpr int kTryAgainLater = 75;

/// Runs `run_controller` in a child process, restarts it as described above, and returns the status to exit
/// with: that of the last child. Forwards SIGTERM, SIGINT and SIGHUP from `signals`; a terminal's Ctrl-C
/// reaches the child directly. While no child runs it also watches `lifeline`: if that closes, no controller
/// is needed any more. Fails if it cannot start. No thread may exist yet.
Expected<int> supervise(SignalFd& signals, int lifeline,
                        const std::function<int(ControllerStart)>& run_controller);

/// Reports to the supervisor that this controller has opened its sweep, and closes the descriptor.
void send_note(int fd, const SupervisorNote& note);

}  // namespace sweep::cli
