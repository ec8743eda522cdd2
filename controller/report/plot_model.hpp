// What is drawn: processed results sorted into families (a pair of pictures each) and series (a legend entry
// each). Pure; knows nothing of colours, pixels or gnuplot.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "controller/report/documents.hpp"

namespace sweep::report {

/// One result in one picture.
struct PlotPoint {
  double x = 0, y = 0;
  std::string tp;
};

/// The two pictures of a family: throughput per GPU over one of these.
enum class PlotKind { EndToEndLatency, Interactivity };

/// Results of one hardware, framework and precision.
struct Series {
  std::string hw, framework, precision;
  std::string label;                       // "B200 (fp4)"; with the framework where the hardware has several
  std::size_t framework_rank = 0;          // 0 for the first framework of its hardware, 1 for the second, …
  std::vector<PlotPoint> latency_points;   // x: median end-to-end latency, seconds
  std::vector<PlotPoint> interact_points;  // x: median interactivity, tokens a second and user

  const std::vector<PlotPoint>& points(PlotKind kind) const {
    return kind == PlotKind::EndToEndLatency ? latency_points : interact_points;
  }
};

struct Family {
  std::string name;                 // "dsr1"; safe in a file name
  std::vector<Series> series;       // sorted by hardware, framework, precision
  std::set<std::string> stand_ins;  // what stood in for hardware (stand_in.hpp)
  bool all_stand_in = true;         // whether every result in it is one
};

/// The family of a model name: 70b, dsr1, or the name's last path part up to its first dash.
std::string model_family(const std::string& model);

/// The families of the processed results among `documents`, sorted by name.
std::vector<Family> families(std::span<const Document> documents);

/// The points that no other point beats in both ways, sorted by x: more throughput at less latency, or at
/// more interactivity.
std::vector<PlotPoint> pareto_frontier(std::vector<PlotPoint> points, PlotKind kind);

}  // namespace sweep::report
