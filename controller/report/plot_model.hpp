// Groups processed results into pictures (one per model family, experiment and metric), series (one per
// legend entry) and frontiers (one per line). Pure. Colours, pixels and gnuplot are in plot_style.hpp and
// plot_script.hpp.
#pragma once

#include <array>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "controller/report/frontier.hpp"
#include "controller/report/row.hpp"

namespace sweep::report {

/// One result in one picture.
struct PlotPoint {
  double x = 0, y = 0;  // as in TradeOff; medians if the point was repeated
  std::string tp, conc;
  bool valid = true;  // false: drawn with a hollow mark and excluded from the frontier
  bool on_frontier = false;
  std::optional<Spread::Range> x_range, y_range;  // the range of the repeats
};

/// A value for each of the two pictures of a family.
template <class T>
struct ByMetric {
  std::array<T, 2> values = {};
  T& operator[](Metric metric) { return values[static_cast<std::size_t>(metric)]; }
  const T& operator[](Metric metric) const { return values[static_cast<std::size_t>(metric)]; }
};

/// The results of one hardware, framework, precision and stand-in.
struct Series {
  std::string hw, framework, precision;
  std::string stand_in;            // as in Row; empty for real hardware
  std::string label;               // "B200 (fp4)"; includes the framework if the hardware has several
  std::size_t framework_rank = 0;  // 0 for the first framework of the hardware, 1 for the second, …
  ByMetric<std::vector<PlotPoint>> points;
};

/// The frontier of one hardware, framework and stand-in over all precisions.
struct FrontierLine {
  std::size_t series = 0;         // index of its first series, whose colour it has
  std::vector<PlotPoint> points;  // by increasing x
};

/// The results of one model family and experiment: two pictures, one per metric.
struct Family {
  std::string name;                 // "dsr1"; safe in a file name
  std::string exp_name;             // the experiment of all results
  std::vector<Series> series;       // sorted by hardware, framework, stand-in, precision
  std::set<std::string> stand_ins;  // the stand-ins of the results (stand_in.hpp)
  bool all_stand_in = true;         // true if every result is from a stand-in
  ByMetric<std::vector<FrontierLine>> frontiers;
};

/// Returns the families of `rows`, sorted by name and experiment. `exp_name` is the experiment of rows that
/// have none.
std::vector<Family> families(std::span<const Row> rows, const std::string& exp_name);

}  // namespace sweep::report
