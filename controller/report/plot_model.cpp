#include "controller/report/plot_model.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include "controller/report/stand_in.hpp"
#include "proto/base/point.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

void add_point(std::vector<PlotPoint>& points, const Json& json, const char* x_key) {
  const auto x = number_of(json, x_key), y = number_of(json, "tput_per_gpu");
  if (!x || !y || !std::isfinite(*x) || !std::isfinite(*y)) return;
  points.push_back({*x, *y, text_of(json, "tp", "?")});
}

using SeriesKey = std::tuple<std::string, std::string, std::string>;

struct FamilyDraft {
  std::map<SeriesKey, Series> series;
  std::set<std::string> stand_ins;
  bool all_stand_in = true;
};

void add_document(FamilyDraft& family, const Json& json) {
  const SeriesKey key{lower(text_of(json, "hw", "unknown")), lower(text_of(json, "framework", "vllm")),
                      lower(text_of(json, "precision", "fp8"))};
  Series& series = family.series[key];
  std::tie(series.hw, series.framework, series.precision) = key;
  add_point(series.latency_points, json, "median_e2el");
  add_point(series.interact_points, json, "median_intvty");
  if (auto what = stand_in(json)) {
    family.stand_ins.insert(std::move(*what));
  } else {
    family.all_stand_in = false;
  }
}

// The contract's "<HW> (<precision>)" names a series as long as its hardware ran one framework.
void name_series(std::vector<Series>& all) {
  std::map<std::string, std::vector<std::string>> frameworks;
  for (const Series& series : all) {
    auto& known = frameworks[series.hw];
    if (std::find(known.begin(), known.end(), series.framework) == known.end())
      known.push_back(series.framework);
  }
  for (Series& series : all) {
    const auto& known = frameworks[series.hw];
    series.framework_rank =
        static_cast<std::size_t>(std::find(known.begin(), known.end(), series.framework) - known.begin());
    series.label = upper(series.hw);
    if (known.size() > 1) series.label += " " + series.framework;
    series.label += " (" + series.precision + ")";
  }
}

}  // namespace

std::string model_family(const std::string& model) {
  const std::string name = lower(model);
  if (name.find("70b") != std::string::npos) return "70b";
  if (name.find("dsr1") != std::string::npos || name.find("deepseek-r1") != std::string::npos) return "dsr1";
  const std::size_t slash = model.rfind('/');
  if (slash == std::string::npos) return model;
  return model.substr(slash + 1, model.find('-', slash + 1) - slash - 1);
}

std::vector<Family> families(std::span<const Document> documents) {
  std::map<std::string, FamilyDraft> drafts;
  for (const Document& document : documents) {
    if (!is_processed_result(document.json)) continue;
    const std::string family = file_safe(model_family(text_of(document.json, "model", "unknown")));
    add_document(drafts[family.empty() ? "unknown" : family], document.json);
  }
  std::vector<Family> out;
  for (auto& [name, draft] : drafts) {
    Family family{name, {}, std::move(draft.stand_ins), draft.all_stand_in};
    for (auto& [key, series] : draft.series)
      family.series.push_back(std::move(series));
    name_series(family.series);
    out.push_back(std::move(family));
  }
  return out;
}

std::vector<PlotPoint> pareto_frontier(std::vector<PlotPoint> points, PlotKind kind) {
  // Best x first, so that a point is on the frontier exactly when it has more throughput than all before it.
  const bool low_is_better = kind == PlotKind::EndToEndLatency;
  std::sort(points.begin(), points.end(), [&](const PlotPoint& a, const PlotPoint& b) {
    if (a.x != b.x) return low_is_better ? a.x < b.x : a.x > b.x;
    return a.y > b.y;
  });
  std::vector<PlotPoint> frontier;
  for (const PlotPoint& point : points) {
    if (frontier.empty() || point.y > frontier.back().y) frontier.push_back(point);
  }
  if (!low_is_better) std::reverse(frontier.begin(), frontier.end());
  return frontier;
}

}  // namespace sweep::report
