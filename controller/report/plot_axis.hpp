// An axis: its range, whether it is logarithmic, and where its tics stand. Chosen here and not by gnuplot,
// because labels are placed in pixels and gnuplot puts a lone tic on an axis from 30 to 80. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace sweep::report {

struct Tic {
  double at;
  std::string label;
};

struct Axis {
  bool logarithmic = false;
  double low = 0, high = 1;
  std::vector<Tic> tics;

  /// Where `value` lies, from 0 at the low end to 1 at the high one.
  double share(double value) const;
};

/// An axis with room around all `values`, which are finite; logarithmic when all are positive and the largest
/// is at least 15 times the smallest.
Axis make_axis(std::span<const double> values);

}  // namespace sweep::report
