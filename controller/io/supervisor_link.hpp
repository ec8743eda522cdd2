// What a controller reports to its supervisor, over a pipe: that it has opened its sweep, that its event loop
// turns, and how the loop has ended. Each report ends with a NUL, which no path contains.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "proto/net/curve.hpp"
#include "util/error.hpp"
#include "util/os/fd.hpp"
#include "util/time.hpp"

namespace sweep {

/// The controller has opened its sweep. Holds a secret: it goes only into the pipe.
struct SupervisorNote {
  std::string directory;      // the sweep's output directory, absolute; "": no sweep was opened
  KeyPair server_keys;        // the sweep's
  std::string client_public;  // its agents' public key
  Millis away{0};             // how long its agents look for a controller
  Millis kill_grace{0};       // between SIGTERM and SIGKILL for a benchmark
};
/// The controller's event loop turns.
struct LoopTurned {};
/// The controller's event loop has ended; files are written next, which may take long.
struct LoopEnded {
  int agents = 0;  // that have not left: they are stuck, or have never arrived
};
using Report = std::variant<SupervisorNote, LoopTurned, LoopEnded>;

/// The controller's end of the pipe. Nothing here blocks; a report that does not fit is dropped.
class SupervisorLink {
 public:
  explicit SupervisorLink(Fd pipe);
  void send(const Report& report) const;

 private:
  Fd pipe_;
};

/// Returns a report as text, without the NUL.
std::string encode_report(const Report& report);
/// Returns std::nullopt if the text is not a report.
std::optional<Report> parse_report(const std::string& text);

/// Splits what was read from the pipe into reports.
class ReportReader {
 public:
  /// Returns the reports that are complete with these bytes.
  std::vector<Report> take(const std::string& bytes);

 private:
  std::string rest_;
};

}  // namespace sweep
