// Adds decimal numbers exactly, as Python's decimal module does. Pure.
#pragma once

#include <string>
#include <string_view>

#include "util/error.hpp"

namespace sweep::ci {

/// A sum of decimal numbers with up to 15 digits before and 18 digits behind the point.
class DecimalScore {
 public:
  /// Returns the number in `text`: 1, -0.25, 5e-04. Fails if it is not a number or has too many digits.
  static Expected<DecimalScore> parse(std::string_view text);

  DecimalScore& operator+=(const DecimalScore& other) {
    units_ += other.units_;
    return *this;
  }

  /// Returns the number with three digits behind the point, rounded half away from zero: "3.750".
  std::string three_decimals() const;

 private:
  __extension__ using Units = __int128;
  Units units_ = 0;  // in 10^-18
};

}  // namespace sweep::ci
