// Limits how often progress is sent: a change of phase at once, steps within a phase with a minimum spacing.
// The last value that was held back is sent when the spacing has passed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "util/time.hpp"

namespace sweep::agent {

struct PhaseProgress {
  std::string phase;
  std::int64_t done = 0, total = 0;
  friend bool operator==(const PhaseProgress&, const PhaseProgress&) = default;
};

class ProgressGate {
 public:
  explicit ProgressGate(Millis spacing) : spacing_(spacing) {}

  void set(PhaseProgress now) { current_ = std::move(now); }
  /// Returns the progress to send now; std::nullopt if there is nothing new, or it is too early.
  std::optional<PhaseProgress> take(Instant now);
  /// Returns progress that has not been sent, at once: the attempt has ended.
  std::optional<PhaseProgress> take_last();
  /// Makes take() return the current progress again: the last one may have been lost.
  void repeat() { told_.reset(); }
  /// Returns when take() will return a value if the progress does not change before.
  std::optional<Instant> deadline() const;

 private:
  bool is_news() const { return current_ && current_ != told_; }

  Millis spacing_;
  std::optional<PhaseProgress> current_, told_;
  Instant told_at_{};
};

}  // namespace sweep::agent
