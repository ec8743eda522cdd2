#include "controller/report/frontier.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>

#include "util/text.hpp"

namespace sweep::report {

namespace {

constexpr std::array<std::string_view, 6> kGroupKeys = {"hw", "framework", "precision",
                                                        "tp", "ep",        "dp_attention"};

struct Group {
  std::vector<const Row*> rows;
  std::vector<TradeOff> points;
};

}  // namespace

std::string_view metric_key(Metric metric) {
  return metric == Metric::MedianE2el ? "median_e2el" : "median_intvty";
}

std::optional<Metric> metric_of(std::string_view key) {
  for (const Metric metric : {Metric::MedianE2el, Metric::MedianIntvty}) {
    if (metric_key(metric) == key) return metric;
  }
  return std::nullopt;
}

std::vector<std::size_t> pareto_frontier(std::span<const TradeOff> points, Metric metric) {
  const bool less_is_better = metric == Metric::MedianE2el;
  std::vector<std::size_t> order(points.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // With the best x first, a point is on the frontier exactly if it has more throughput than all points
  // before it.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (points[a].x != points[b].x) return (points[a].x < points[b].x) == less_is_better;
    return points[a].y > points[b].y;
  });
  std::vector<std::size_t> frontier;
  for (const std::size_t index : order) {
    if (frontier.empty() || points[index].y > points[frontier.back()].y) frontier.push_back(index);
  }
  if (!less_is_better) std::reverse(frontier.begin(), frontier.end());
  return frontier;
}

std::optional<TradeOff> trade_off(const Row& row, Metric metric) {
  const auto x = row[metric_key(metric)].number(), y = row["tput_per_gpu"].number();
  if (!x || !y || !std::isfinite(*x) || !std::isfinite(*y)) return std::nullopt;
  return TradeOff{*x, *y};
}

std::string model_family(const std::string& model) {
  const std::string name = ascii_lower(model);
  if (name.find("70b") != std::string::npos) return "70b";
  if (name.find("dsr1") != std::string::npos || name.find("deepseek-r1") != std::string::npos) return "dsr1";
  const std::size_t slash = model.rfind('/');
  if (slash == std::string::npos) return model;
  return model.substr(slash + 1, model.find('-', slash + 1) - slash - 1);
}

std::string group_text(const Row& row, const std::string& key) {
  const std::string absent = key == "framework" ? "vllm" : key == "precision" ? "fp8" : "unknown";
  return ascii_lower(row[key].text(absent));
}

ComparisonKey comparison_key(const Row& row) {
  return {row.exp_name.str(), model_family(row["model"].text("unknown")), row.stand_in.str()};
}

std::span<const std::string_view> group_keys() {
  return kGroupKeys;
}

std::vector<const Row*> frontiers(std::span<const Row> rows, Metric metric, std::span<const std::string> by) {
  std::map<std::vector<std::string>, Group> groups;
  for (const Row& row : rows) {
    const auto point = trade_off(row, metric);
    if (!point || !row.valid) continue;
    const ComparisonKey kind = comparison_key(row);
    std::vector<std::string> name(kind.begin(), kind.end());
    for (const std::string& key : by)
      name.push_back(group_text(row, key));
    Group& group = groups[std::move(name)];
    group.rows.push_back(&row);
    group.points.push_back(*point);
  }
  std::vector<const Row*> out;
  for (const auto& [name, group] : groups) {
    for (const std::size_t index : pareto_frontier(group.points, metric))
      out.push_back(group.rows[index]);
  }
  return out;
}

}  // namespace sweep::report
