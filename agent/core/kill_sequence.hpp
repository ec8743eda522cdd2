// Decides when a process group is sent which signal: SIGTERM, SIGKILL after a grace time, then nothing more.
//
// Rules: pure. Each step returns the signal to send and the caller sends it. The caller calls escalate() when
// deadline() has passed.
#pragma once

#include <optional>

#include "util/time.hpp"

namespace sweep::agent {

class KillSequence {
 public:
  enum class Signal { None, Term, Kill };

  /// `least_wait`: the least time between SIGKILL and giving up.
  explicit KillSequence(Millis least_wait) : least_wait_(least_wait) {}

  bool begun() const { return last_sent_ != Signal::None; }
  /// Returns true if processes were still alive long after SIGKILL.
  bool gave_up() const { return gave_up_; }
  /// Returns when escalate() is due; std::nullopt before the sequence has begun.
  std::optional<Instant> deadline() const { return begun() ? std::optional(deadline_) : std::nullopt; }

  Millis grace() const { return grace_; }
  /// Sets the time between SIGTERM and SIGKILL. The deadline of a sequence that has begun stays as it is.
  void set_grace(Millis grace) { grace_ = grace; }

  /// Begins with SIGTERM, or with SIGKILL if there is no grace time.
  Signal begin(Millis grace, Instant now);
  /// Goes on to SIGKILL at once. Returns None if that was sent before.
  Signal kill(Instant now);
  /// Moves the deadline forward if SIGTERM was sent and `grace` from now is earlier.
  void hurry(Millis grace, Instant now);
  /// Takes the next step: SIGKILL after SIGTERM; after SIGKILL it gives up and returns None.
  Signal escalate(Instant now);

 private:
  Millis least_wait_;
  Millis grace_{0};
  Signal last_sent_ = Signal::None;
  Instant deadline_{};
  bool gave_up_ = false;
};

}  // namespace sweep::agent
