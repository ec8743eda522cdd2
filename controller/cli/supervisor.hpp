// The supervisor of a controller: restarts it when it dies, and sees to it that srun ends.
//
// Rules: it is small and does nothing else, so that it has no reason to die itself. It holds the listening
// socket, so that the sweep keeps its port; keys and journal are in the output directory. It does not restart
// a controller that exited by itself, one that died before it had opened a sweep, or one that dies
// repeatedly. A controller that cannot take over yet (the disk is full, the directory is temporarily gone) is
// started again for as long as agents look for it. A controller whose event loop has not turned for 30 s is
// killed and counts as one that died.
//
// If no controller is started again, the supervisor answers the agents that they are to leave
// (controller/io/farewell.hpp). Agents that do not leave when the sweep is over are stuck (SIGSTOP, a node
// that hangs). Only Slurm can end them, so srun gets a SIGTERM, with which it ends its step.
#pragma once

#include <functional>
#include <string>

#include "controller/io/supervisor_link.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/os/signals.hpp"
#include "util/time.hpp"

namespace sweep::cli {

/// One start of the controller process.
struct ControllerStart {
  int number = 0;       // from 0
  SupervisorNote note;  // from an earlier start
  std::string cause;    // why the previous controller died; "" at the first start
  int refused = 0;      // how many controllers in a row have exited with kTryAgainLater
  Fd report_pipe;       // for a SupervisorLink
  Fd listening;         // a copy of the supervisor's socket
};

/// The exit status of a controller that cannot take over the sweep now but may be able to later: EX_TEMPFAIL.
inline constexpr int kTryAgainLater = 75;

/// How often a controller whose event loop turns sends LoopTurned.
inline constexpr Millis kTurnReports{5'000};

/// Runs `run_controller` in a child process, restarts it as described above, and returns the status to exit
/// with: that of the last child. Forwards SIGTERM, SIGINT and SIGHUP from `signals`; a terminal's Ctrl-C
/// reaches the child directly. While no child runs it also watches `lifeline`, which closes when srun ends:
/// from then on no controller is needed. srun is the parent of this process. Fails if it cannot start. No
/// thread may exist yet.
Expected<int> supervise(SignalFd& signals, int lifeline,
                        const std::function<int(ControllerStart)>& run_controller);

}  // namespace sweep::cli
