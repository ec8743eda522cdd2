// One sweep from its output directory to its summary: what run and serve have in common.
#pragma once

#include <memory>
#include <string>

#include "controller/cli/arguments.hpp"
#include "controller/io/console.hpp"
#include "controller/io/server.hpp"
#include "proto/net/signals.hpp"

namespace sweep::cli {

/// Reads the configuration, claims the output directory and opens the controller. Fails with one line.
Expected<std::unique_ptr<Server>> open_server(const SweepArguments& arguments, const std::string& job,
                                              Console& console);

/// Ctrl-C and SIGTERM, for as long as this lives: the first stops the sweep in order, the second at once.
class Interrupts {
 public:
  Interrupts(SignalFd& signals, Server& server);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  /// The first signal that came; 0 when none did.
  int signal() const { return signal_; }

 private:
  void take();
  SignalFd& signals_;
  Server& server_;
  int signal_ = 0;
};

/// How a sweep ended.
struct Conduct {
  bool complete = false;    // every point is done
  bool all_written = true;  // and so are all files
};

/// Runs the sweep to its end, writes what it leaves, and tells the user.
Conduct conduct(Server& server, Console& console);

}  // namespace sweep::cli
