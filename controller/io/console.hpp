// The controller's standard error: one line per event, and on a terminal a status line below them.
//
// Rule: nothing here waits, because the controller's event loop prints. What a terminal or pipe does not take
// is kept and, if it becomes too much, dropped and counted (util/os/queued_writer.hpp). Only flush() waits.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "controller/view/lines.hpp"
#include "util/os/queued_writer.hpp"
#include "util/time.hpp"

namespace sweep {

class Console {
 public:
  /// `quiet`: prints errors only.
  explicit Console(bool quiet);

  const view::Style& style() const { return style_; }
  /// True if standard error is a terminal that can show a status line.
  bool live() const { return live_; }
  /// True if the status line is on the screen now.
  bool shows_status() const { return has_status_; }

  /// Prints a line above the status line, unless it is empty or the console is quiet.
  void line(const std::string& text);
  /// Prints a line also if the console is quiet.
  void error(const std::string& text);
  /// Prints an error the first time that it is passed.
  void error_once(const std::string& text);
  /// Replaces the status line. No-op if not on a terminal.
  void status(const std::string& text);
  /// Removes the status line; it is not shown again.
  void end();
  /// Waits until every line has been written, but not for a terminal or pipe that takes nothing for two
  /// seconds. For the end of the program.
  void flush();

  /// When the status line is to be drawn again, so that its times advance; std::nullopt if not on a terminal.
  std::optional<Instant> next_redraw() const;
  void drawn(Instant now) { last_drawn_ = now; }

 private:
  QueuedWriter writer_;
  bool quiet_, live_ = false;
  view::Style style_;
  bool has_status_ = false;
  Instant last_drawn_{};
  std::set<std::string> printed_errors_;  // by error_once()
};

}  // namespace sweep
