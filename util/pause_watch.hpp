// Finds out whether the process did not run for a while: it was suspended (scontrol suspend, SIGSTOP, a virtual
// machine that stood still), or one of its own calls took very long. Pure.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "util/time.hpp"

namespace sweep {

class PauseWatch {
 public:
  /// A process that is this late did not run. Much longer than a busy machine delays a process.
  static constexpr Millis kLateness{5'000};

  /// The process is about to wait for events, at most until `deadline`; std::nullopt: without limit.
  void before_wait(Instant now, std::optional<Instant> deadline) {
    if (woke_ && now - *woke_ >= kLateness) pause_ = now - *woke_;
    planned_ = deadline ? std::optional(std::max(now, *deadline)) : std::nullopt;
  }

  /// The wait has ended. Returns for how long the process did not run since the last call; 0 if it ran.
  Millis after_wait(Instant now) {
    if (planned_ && now - *planned_ >= kLateness) pause_ += now - *planned_;
    woke_ = now;
    planned_.reset();
    return std::exchange(pause_, Millis(0));
  }

 private:
  std::optional<Instant> woke_, planned_;
  Millis pause_{0};
};

}  // namespace sweep
