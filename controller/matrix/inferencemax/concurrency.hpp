// Computes the concurrencies of one search-space element. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

/// A Python int. As in Python, a bool is also an int (true is 1) but is printed as a bool.
struct Number {
  std::int64_t value = 0;
  bool is_bool = false;
};

/// Returns start, start * step, start * step^2, …, end. The first product beyond `end` is replaced by `end`.
/// Empty if start > end. Fails if the series would never reach `end`, for example with step 0 or 1 and start
/// < end, or with start 0 and end > 0.
Expected<std::vector<Number>> concurrencies(Number start, Number end, std::int64_t step);

}  // namespace sweep::matrix
