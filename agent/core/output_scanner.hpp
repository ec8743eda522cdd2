// Finds what a benchmark's output shows about its progress: that the server is ready, and progress bars.
//
// Rules: it keeps at most one line of bounded length. How the output is cut into pieces makes no difference.
// A progress bar never means that a server is ready, because loading weights prints bars too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sweep::agent {

struct ServerReady {
  friend bool operator==(const ServerReady&, const ServerReady&) = default;
};
/// The serving client begins the run that it measures; its warm-up is over.
struct MainRun {
  friend bool operator==(const MainRun&, const MainRun&) = default;
};
struct Bar {
  std::int64_t done = 0, total = 0;
  friend bool operator==(const Bar&, const Bar&) = default;
};
using OutputEvent = std::variant<ServerReady, Bar, MainRun>;

class OutputScanner {
 public:
  /// Returns what the next piece of output shows, in order. Readiness and the main run are reported once, a
  /// bar when it has moved.
  std::vector<OutputEvent> feed(std::string_view bytes);

  /// Returns the last line that is not blank and not a progress bar, without surrounding blanks. It often is
  /// the reason of a failure.
  std::string last_line() const;

 private:
  void look(std::vector<OutputEvent>& seen);
  void end_line();

  std::string line_;  // the beginning of the current line
  std::string last_line_;
  std::optional<Bar> last_bar_;
  bool ready_ = false, main_run_ = false;
};

/// Returns the progress bar in a line: tqdm's ` 45%|████▌     | 45/100 [`, or ` 45% Completed | 9/20 [`.
std::optional<Bar> find_bar(std::string_view line);

}  // namespace sweep::agent
