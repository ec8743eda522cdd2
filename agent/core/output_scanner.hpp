// What a benchmark's output says about where it is: the server's word that it is ready, and progress bars.
//
// Rules: it keeps at most one line of bounded length; how the output is cut into pieces makes no difference;
// a bar alone never means that a server is ready (loading weights shows bars too).
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
/// The serving client begins what it measures; warming up is over.
struct MainRun {
  friend bool operator==(const MainRun&, const MainRun&) = default;
};
struct Bar {
  std::int64_t done = 0, total = 0;
  friend bool operator==(const Bar&, const Bar&) = default;
};
using Sighting = std::variant<ServerReady, Bar, MainRun>;

class OutputScanner {
 public:
  /// What the next piece of output shows, in its order. Readiness and the main run are reported once, a bar
  /// when it has moved.
  std::vector<Sighting> feed(std::string_view bytes);

  /// The last line with something on it that is no bar, without blanks around it. Often says why it failed.
  std::string last_line() const;

 private:
  void look(std::vector<Sighting>& seen);
  void end_line();

  std::string line_;  // the beginning of the current one
  std::string last_line_;
  std::optional<Bar> last_bar_;
  bool ready_ = false, main_run_ = false;
};

/// The progress bar in a line: tqdm's ` 45%|████▌     | 45/100 [`, or ` 45% Completed | 9/20 [`.
std::optional<Bar> find_bar(std::string_view line);

}  // namespace sweep::agent
