// The concurrencies of one search-space element. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "util/error.hpp"

namespace sweep::matrix {

/// Python's int. A bool is one of them (true is 1) but is still printed as a bool.
struct Number {
  std::int64_t value = 0;
  bool is_bool = false;
};

/// From `start` by factors of `step` to `end`: the last one that would overshoot becomes `end` itself. Empty
/// when start > end. Fails where the series would never reach its end: step 0 or 1 with start < end, start 0
/// with end > 0, and the like.
Expected<std::vector<Number>> concurrencies(Number start, Number end, std::int64_t step);

}  // namespace sweep::matrix
