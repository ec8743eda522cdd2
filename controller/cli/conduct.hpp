// One sweep from its output directory to its summary: what run and serve have in common.
#pragma once

#include <memory>
#include <string>

#include "controller/cli/arguments.hpp"
#include "controller/cli/supervisor.hpp"
#include "controller/io/console.hpp"
#include "controller/io/driver.hpp"
#include "util/os/signals.hpp"

namespace sweep::cli {

/// What a session is begun with beside its options.
struct Session {
  std::string job;                   // "12.0", or empty
  std::vector<std::string> command;  // that began it: srun's or sweepctl's, for the one that resumes
  std::string inside_job;            // the job that srun was started in; empty: it got one of its own
  Fd listening;                      // where agents are to find it; none: a port of its own
};

/// Reads the configuration, claims the output directory and opens the controller of a new sweep, or of one
/// that is resumed. Fails with one line, or with one for each change of the matrix.
Expected<std::unique_ptr<Driver>> open_server(const SweepArguments& arguments, Session session,
                                              Console& console);

/// Takes the place of a controller that `died_of` something: same address, same keys. Fails when the sweep
/// that was told cannot be had now.
Expected<std::unique_ptr<Driver>> reopen_server(const SupervisorNote& told, const std::string& died_of,
                                                Fd listening, Console& console);

/// Ctrl-C and SIGTERM, for as long as this lives: the first stops the sweep in order, the second at once.
class Interrupts {
 public:
  /// Signals that come within `same` after the first are part of it: under a supervisor one Ctrl-C, or one
  /// scancel, comes directly and is handed on too.
  Interrupts(SignalFd& signals, Driver& server, Millis same = Millis(0));
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  /// The first signal that came; 0 when none did.
  int signal() const { return signal_; }

 private:
  void take();
  SignalFd& signals_;
  Driver& server_;
  Millis same_;
  int signal_ = 0;
  Instant first_at_{};
};

/// How a sweep ended.
struct Conduct {
  bool complete = false;    // every point is done
  bool all_written = true;  // and so are all files
};

/// Runs the sweep to its end, writes what it leaves, and tells the user.
Conduct conduct(Driver& server, Console& console);

}  // namespace sweep::cli
