// The controller's standard error: lines as things happen, and on a terminal a status line below them.
#pragma once

#include <optional>
#include <string>

#include "controller/view/lines.hpp"
#include "util/time.hpp"

namespace sweep {

class Console {
 public:
  /// `quiet`: errors only.
  explicit Console(bool quiet);

  const view::Style& style() const { return style_; }
  bool live() const { return live_; }
  /// Whether the status line stands there now.
  bool shows_status() const { return has_status_; }

  /// Prints a line above the status line. Nothing for an empty one.
  void line(const std::string& text);
  /// The same, also when quiet.
  void error(const std::string& text);
  /// Replaces the status line; nothing off a terminal.
  void status(const std::string& text);
  /// Takes the status line away for good.
  void end();

  /// When the status line is due to be drawn again, so that its times move; nothing off a terminal.
  std::optional<Instant> next_redraw() const;
  void drawn(Instant now) { last_drawn_ = now; }

 private:
  void write(const std::string& text);
  bool quiet_, live_ = false;
  view::Style style_;
  bool has_status_ = false;
  Instant last_drawn_{};
};

}  // namespace sweep
