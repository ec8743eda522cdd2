// Lets progress through when it has changed, and not too often: a change of phase at once, steps within a
// phase with some time between. The last one held back is let through when its time comes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "util/time.hpp"

namespace sweep::agent {

struct Whereabouts {
  std::string phase;
  std::int64_t done = 0, total = 0;
  friend bool operator==(const Whereabouts&, const Whereabouts&) = default;
};

class ProgressGate {
 public:
  explicit ProgressGate(Millis spacing) : spacing_(spacing) {}

  void set(Whereabouts now) { current_ = std::move(now); }
  /// What to tell now, if anything.
  std::optional<Whereabouts> take(Instant now);
  /// The same at the end, whenever that is.
  std::optional<Whereabouts> take_last();
  /// What was told last may not have arrived: tell it again.
  void repeat() { told_.reset(); }
  /// When take() has something, should nothing change until then.
  std::optional<Instant> deadline() const;

 private:
  bool is_news() const { return current_ && current_ != told_; }

  Millis spacing_;
  std::optional<Whereabouts> current_, told_;
  Instant told_at_{};
};

}  // namespace sweep::agent
