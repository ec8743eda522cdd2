// Sums and rounds floats as Python 3.12 and later do, because the contract's files must have the same digits as
// those of the Python tools. Pure.
#pragma once

#include <span>

namespace sweep::python {

/// Returns sum(values), which Python computes with a compensation for lost digits; 0 if there are none.
double sum(std::span<const double> values);

/// Returns round(value, places): the decimal number with that many places that is nearest to the exact value.
/// `places` is at most 10. Infinity and NaN are returned unchanged.
double round(double value, int places);

}  // namespace sweep::python
