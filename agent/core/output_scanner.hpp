// Finds what a benchmark's output shows about its progress: that it starts a server, that the server is
// ready, that the client runs, and progress bars.
//
// Rules: it keeps at most one line of bounded length. How the output is cut into pieces makes no difference.
// A progress bar never means that a server is ready, because loading weights prints bars too. Only lines that
// servers print themselves show that a server starts, and only lines of servers that also print a line that
// shows readiness: a benchmark without a server must not wait for one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "util/line_pattern.hpp"

namespace sweep::agent {

/// A server begins to start.
struct ServerStarts {
  friend bool operator==(const ServerStarts&, const ServerStarts&) = default;
};
struct ServerReady {
  friend bool operator==(const ServerReady&, const ServerReady&) = default;
};
/// The serving client begins, so that its server, wherever that runs, is ready.
struct ClientStarts {
  friend bool operator==(const ClientStarts&, const ClientStarts&) = default;
};
/// The serving client begins the run that it measures; its warm-up is over.
struct MainRun {
  friend bool operator==(const MainRun&, const MainRun&) = default;
};
struct Bar {
  std::int64_t done = 0, total = 0;
  friend bool operator==(const Bar&, const Bar&) = default;
};
using OutputEvent = std::variant<ServerStarts, ServerReady, ClientStarts, Bar, MainRun>;

class OutputScanner {
 public:
  /// Looks for the lines of known servers.
  OutputScanner() = default;
  /// A server is ready at a whole line that matches `ready`, and not at the lines of known servers.
  explicit OutputScanner(LinePattern ready) : own_ready_(std::move(ready)) {}

  /// Returns what the next piece of output shows, in order. A bar is reported when it has moved, everything
  /// else once.
  std::vector<OutputEvent> feed(std::string_view bytes);

  /// Returns the last line that is not blank, a progress bar or a command that a shell traces (set -x), without
  /// surrounding blanks. It often is the reason of a failure.
  std::string last_line() const;

 private:
  void look(std::vector<OutputEvent>& seen);
  void end_line(std::vector<OutputEvent>& seen);

  std::optional<LinePattern> own_ready_;
  std::string line_;  // the beginning of the current line
  std::string last_line_;
  std::optional<Bar> last_bar_;
  bool starts_ = false, ready_ = false, client_ = false, main_run_ = false;
};

/// Returns the progress bar in a line: tqdm's ` 45%|████▌     | 45/100 [`, or ` 45% Completed | 9/20 [`.
std::optional<Bar> find_bar(std::string_view line);

}  // namespace sweep::agent
