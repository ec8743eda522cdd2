// Computes the range, scale and tics of an axis. gnuplot's own choice is not used, because labels are placed
// in pixels and because gnuplot draws only one tic on an axis from 30 to 80. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sweep::report {

struct Tic {
  double at;  // the value on the axis
  std::string label;
};

struct Axis {
  bool logarithmic = false;
  double low = 0, high = 1;
  std::vector<Tic> tics;

  /// Returns the position of `value` on the axis, from 0 at the low end to 1 at the high end.
  double share(double value) const;
};

/// Returns an axis that covers all `values`, which must be finite, with a margin. It is logarithmic if all
/// values are positive and the largest is at least 15 times the smallest.
Axis make_axis(std::span<const double> values);

}  // namespace sweep::report
