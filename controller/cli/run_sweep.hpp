// One sweep from its opening to its summary: what run and serve have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "controller/cli/supervisor.hpp"
#include "controller/io/console.hpp"
#include "controller/io/driver.hpp"
#include "controller/io/sweep_request.hpp"
#include "util/os/signals.hpp"

namespace sweep::cli {

/// Opens the sweep that is requested and its driver, which listens on `listening` or, if that is not open, on
/// a free port. Fails with one line, or, if a changed matrix is refused, with one more for each change.
Expected<std::unique_ptr<Driver>> open_driver(const SweepRequest& request, const SessionOrigin& origin,
                                              Fd listening, Console& console);

/// Opens a driver in place of a controller that died because of `cause`: same address, same keys. Fails if
/// the sweep in `note` cannot be opened now.
Expected<std::unique_ptr<Driver>> take_over_driver(const SupervisorNote& note, const std::string& cause,
                                                   Fd listening, Console& console);

/// Stops the sweep on SIGINT, SIGTERM and SIGHUP: the first signal stops it cleanly, the second immediately.
class Interrupts {
 public:
  /// Further signals within `same` of the first count as the first: under a supervisor one Ctrl-C, or one
  /// scancel, arrives both directly and through the supervisor.
  Interrupts(SignalFd& signals, Driver& driver, Millis same = Millis(0));
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  /// Returns the first signal; 0 if there was none.
  int signal() const { return signal_; }

 private:
  void take();
  SignalFd& signals_;
  Driver& driver_;
  Millis same_;
  int signal_ = 0;
  Instant first_at_{};
};

/// How a sweep ended.
struct SweepEnd {
  bool complete = false;    // every point is done
  bool all_written = true;  // every file was written
  bool any_agents = true;   // an agent has joined in this session
  bool valid = true;        // every done point's result is valid, or the profile is not strict
};

/// Runs the sweep to its end, writes the final files, and prints the summary. Calls `loop_ended` before the
/// files are written, which may take long.
SweepEnd run_sweep(Driver& driver, Console& console, const std::function<void()>& loop_ended = {});

}  // namespace sweep::cli
