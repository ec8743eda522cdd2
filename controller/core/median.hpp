// The median of a growing set of values. Adding a value takes logarithmic time.
#pragma once

#include <optional>
#include <set>

#include "util/time.hpp"

namespace sweep::core {

class RunningMedian {
 public:
  void add(Millis value) {
    (low_.empty() || value <= *low_.rbegin() ? low_ : high_).insert(value);
    // low_ has as many values as high_, or one more.
    if (low_.size() > high_.size() + 1) high_.insert(low_.extract(std::prev(low_.end())));
    if (high_.size() > low_.size()) low_.insert(high_.extract(high_.begin()));
  }
  /// Returns the median, the lower of the two middle values if their number is even; std::nullopt if empty.
  std::optional<Millis> value() const { return low_.empty() ? std::nullopt : std::optional(*low_.rbegin()); }

 private:
  std::multiset<Millis> low_, high_;
};

}  // namespace sweep::core
