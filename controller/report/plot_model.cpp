#include "controller/report/plot_model.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "util/text.hpp"

namespace sweep::report {

namespace {

// Hardware, framework, stand-in, precision. The precision comes last, so that the series of one frontier are
// adjacent.
using SeriesKey = std::tuple<std::string, std::string, std::string, std::string>;

struct FamilyDraft {
  std::map<SeriesKey, Series> series;
  std::set<std::string> stand_ins;
  bool all_stand_in = true;
};

void add_row(FamilyDraft& family, const Row& row) {
  const SeriesKey key{group_text(row, "hw"), group_text(row, "framework"), row.stand_in.str(),
                      group_text(row, "precision")};
  Series& series = family.series[key];
  std::tie(series.hw, series.framework, series.stand_in, series.precision) = key;
  for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
    if (const auto at = trade_off(row, metric)) {
      series.points[metric].push_back({at->x, at->y, row["tp"].text("?"), row["conc"].text("?"), row.valid,
                                       false, row.range(metric_key(metric)), row.range("tput_per_gpu")});
    }
  }
  if (row.stand_in.empty()) {
    family.all_stand_in = false;
  } else {
    family.stand_ins.insert(row.stand_in.str());
  }
}

// Sets the labels: the contract's "<HW> (<precision>)", with the framework if the hardware has several
// frameworks, and with "stand-in" if only some results of the family are from a stand-in.
void name_series(std::vector<Series>& all, bool all_stand_in) {
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
    series.label = ascii_upper(series.hw);
    if (known.size() > 1) series.label += " " + series.framework;
    if (!series.stand_in.empty() && !all_stand_in) series.label += " stand-in";
    series.label += " (" + series.precision + ")";
  }
}

// Returns the frontier of the series in [first, last), which have the same hardware, framework and stand-in.
FrontierLine draw_line(std::vector<Series>& all, std::size_t first, std::size_t last, Metric metric) {
  std::vector<PlotPoint*> points;
  std::vector<TradeOff> places;
  for (std::size_t i = first; i < last; ++i) {
    for (PlotPoint& point : all[i].points[metric]) {
      if (!point.valid) continue;
      points.push_back(&point);
      places.push_back({point.x, point.y});
    }
  }
  FrontierLine line{first, {}};
  for (const std::size_t index : pareto_frontier(places, metric)) {
    points[index]->on_frontier = true;
    line.points.push_back(*points[index]);
  }
  return line;
}

void draw_frontiers(Family& family) {
  auto& all = family.series;
  for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
    std::size_t first = 0;
    while (first < all.size()) {
      std::size_t last = first + 1;
      while (last < all.size() && all[last].hw == all[first].hw &&
             all[last].framework == all[first].framework && all[last].stand_in == all[first].stand_in)
        ++last;
      family.frontiers[metric].push_back(draw_line(all, first, last, metric));
      first = last;
    }
  }
}

}  // namespace

std::vector<Family> families(std::span<const Row> rows, const std::string& exp_name) {
  std::map<std::pair<std::string, std::string>, FamilyDraft> drafts;
  for (const Row& row : rows) {
    const std::string family = file_safe(model_family(row["model"].text("unknown")));
    const std::string& experiment = row.exp_name.empty() ? exp_name : row.exp_name.str();
    add_row(drafts[{family.empty() ? "unknown" : family, experiment}], row);
  }
  std::vector<Family> out;
  for (auto& [name, draft] : drafts) {
    Family family{name.first, name.second, {}, std::move(draft.stand_ins), draft.all_stand_in, {}};
    for (auto& [key, series] : draft.series)
      family.series.push_back(std::move(series));
    name_series(family.series, family.all_stand_in);
    draw_frontiers(family);
    out.push_back(std::move(family));
  }
  return out;
}

}  // namespace sweep::report
