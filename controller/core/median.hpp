// The median of values that come one by one, in logarithmic time each.
#pragma once

#include <optional>
#include <set>

#include "util/time.hpp"

namespace sweep::core {

class RunningMedian {
 public:
  void add(Millis value) {
    (low_.empty() || value <= *low_.rbegin() ? low_ : high_).insert(value);
    // The lower half has as many as the upper one, or one more.
    if (low_.size() > high_.size() + 1) high_.insert(low_.extract(std::prev(low_.end())));
    if (high_.size() > low_.size()) low_.insert(high_.extract(high_.begin()));
  }
  /// The lower one of two in the middle; nothing before the first value.
  std::optional<Millis> value() const { return low_.empty() ? std::nullopt : std::optional(*low_.rbegin()); }

 private:
  std::multiset<Millis> low_, high_;
};

}  // namespace sweep::core
