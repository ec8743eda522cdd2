// Decides when a process that reports regularly counts as stuck. Pure.
#pragma once

#include <optional>

#include "util/time.hpp"

namespace sweep {

class SilenceWatch {
 public:
  /// A process counts as stuck after `longest` without a report.
  explicit SilenceWatch(Millis longest) : longest_(longest) {}

  /// A report has arrived; the first one starts the watch.
  void heard(Instant now) { last_ = now; }
  /// No report is expected from now on.
  void stop() { last_.reset(); }
  /// When silent() may become true; std::nullopt if no report is expected.
  std::optional<Instant> deadline() const { return last_ ? std::optional(*last_ + longest_) : std::nullopt; }
  /// Returns true if the process counts as stuck. To be called at the deadline. If the call is late, this
  /// process was stopped itself (a suspended job, Ctrl-Z), and the other one gets the whole time again.
  bool silent(Instant now) {
    constexpr Millis kLate{2'000};
    const auto due = deadline();
    if (!due || now < *due) return false;
    if (now <= *due + kLate) return true;
    last_ = now;
    return false;
  }

 private:
  Millis longest_;
  std::optional<Instant> last_;
};

}  // namespace sweep
