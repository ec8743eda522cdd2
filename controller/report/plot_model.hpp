// What is drawn: processed results sorted into pictures (a family and experiment each), series (a legend
// entry each) and frontiers (a line each). Pure; knows nothing of colours, pixels or gnuplot.
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
  double x = 0, y = 0;
  std::string tp, conc;
  bool valid = true;  // else it is drawn hollow, and is on no frontier
  bool on_frontier = false;
  std::optional<Spread::Range> x_range, y_range;  // of repeats, whose medians x and y are
};

/// A value for each of the two pictures of a family.
template <class T>
struct ByMetric {
  std::array<T, 2> values = {};
  T& operator[](Metric metric) { return values[static_cast<std::size_t>(metric)]; }
  const T& operator[](Metric metric) const { return values[static_cast<std::size_t>(metric)]; }
};

/// Results of one hardware, framework and precision; a stand-in's are a series of their own.
struct Series {
  std::string hw, framework, precision;
  std::string stand_in;            // what stood in for the hardware, or empty
  std::string label;               // "B200 (fp4)"; with the framework where the hardware has several
  std::size_t framework_rank = 0;  // 0 for the first framework of its hardware, 1 for the second, …
  ByMetric<std::vector<PlotPoint>> points;
};

/// The frontier of one hardware and framework, over all precisions; a stand-in's apart.
struct FrontierLine {
  std::size_t series = 0;         // its first series, whose colour it has
  std::vector<PlotPoint> points;  // by rising x
};

struct Family {
  std::string name;                 // "dsr1"; safe in a file name
  std::string exp_name;             // of all results in it
  std::vector<Series> series;       // sorted by hardware, framework, stand-in, precision
  std::set<std::string> stand_ins;  // what stood in for hardware (stand_in.hpp)
  bool all_stand_in = true;         // whether every result in it is one
  ByMetric<std::vector<FrontierLine>> frontiers;
};

/// The families of `rows`, sorted by name and experiment. `exp_name` is that
/// of results which do not know their own.
std::vector<Family> families(std::span<const Row> rows, const std::string& exp_name);

}  // namespace sweep::report
