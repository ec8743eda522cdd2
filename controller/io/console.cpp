#include "controller/io/console.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace sweep {

namespace {

constexpr const char* kClearLine = "\r\x1b[K";
constexpr Millis kRedraw{1000};
constexpr Millis kFlush{2000};
constexpr std::size_t kMostWaiting = 16;  // texts, with which the status line is still drawn

int terminal_columns() {
  struct winsize size {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

Console::Console(bool quiet) : writer_(STDERR_FILENO), quiet_(quiet) {
  const char* term = std::getenv("TERM");
  const bool dumb = term == nullptr || std::string(term) == "dumb";
  live_ = !quiet && !dumb && ::isatty(STDERR_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  style_.colour = live_ && (no_color == nullptr || *no_color == '\0');
}

void Console::line(const std::string& text) {
  if (!quiet_ && !text.empty()) error(text);
}

void Console::error(const std::string& text) {
  writer_.write((has_status_ ? kClearLine : std::string()) + text + (text.ends_with('\n') ? "" : "\n"));
  has_status_ = false;
}

void Console::error_once(const std::string& text) {
  if (printed_errors_.insert(text).second) error(text);
}

void Console::status(const std::string& text) {
  // A terminal that goes on after a stop needs the latest status line only.
  if (!live_ || writer_.waiting() > kMostWaiting) return;
  style_.columns = terminal_columns();
  writer_.write(kClearLine + text);
  has_status_ = true;
}

void Console::end() {
  if (has_status_) writer_.write(kClearLine);
  has_status_ = false;
  live_ = false;
}

void Console::flush() {
  static_cast<void>(writer_.flush(kFlush));
}

std::optional<Instant> Console::next_redraw() const {
  if (!live_) return std::nullopt;
  return last_drawn_ + kRedraw;
}

}  // namespace sweep
