#include "controller/python/math.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace sweep::python {

double sum(std::span<const double> values) {
  double sum = 0, lost = 0;
  for (const double value : values) {
    const double next = sum + value;
    lost += std::fabs(sum) >= std::fabs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return std::isfinite(lost) ? sum + lost : sum;
}

double round(double value, int places) {
  if (!std::isfinite(value)) return value;
  char buffer[400];  // the largest double has 309 digits before the point
  std::snprintf(buffer, sizeof buffer, "%.*f", places, value);
  return std::strtod(buffer, nullptr);
}

}  // namespace sweep::python
