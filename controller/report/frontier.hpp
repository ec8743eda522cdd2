// Computes Pareto frontiers: the results of a group that no other result of the group beats in both
// throughput per GPU and a latency metric (end-to-end latency or interactivity). Pure.
//
// Rule: results are never compared with each other if they differ in the model family, in the experiment
// (exp-name, which stands for the sequence lengths) or in the stand-in (simulated and real hardware).
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/report/row.hpp"

namespace sweep::report {

/// The metric that is traded against throughput per GPU; the x axis of a plot.
enum class Metric {
  MedianE2el,    // end-to-end latency in seconds: less is better
  MedianIntvty,  // interactivity in tokens per second and user: more is better
};

/// Returns the metric's key in a processed result: "median_e2el" or "median_intvty".
std::string_view metric_key(Metric metric);
/// Returns the metric with this key; std::nullopt if there is none.
std::optional<Metric> metric_of(std::string_view key);

/// One result as a point of a plot: x in the unit of the metric, y the throughput per GPU in tokens per
/// second.
struct TradeOff {
  double x = 0, y = 0;
};

/// Returns the indexes of the points that no other point beats, by increasing x. A point beats another if it
/// is at least as good in both values and better in one. Of equal points only the first is returned. Values
/// must be finite.
std::vector<std::size_t> pareto_frontier(std::span<const TradeOff> points, Metric metric);

/// Returns the result's point; std::nullopt if a value is missing or not finite.
std::optional<TradeOff> trade_off(const Row& row, Metric metric);

/// Returns the family of a model name (contract, section 4): 70b, dsr1, or the name's last path component up
/// to its first dash.
std::string model_family(const std::string& model);

/// Returns the value of `key` in lower case, for grouping. If the result has no such key, returns the
/// contract's default (framework vllm, precision fp8) or "unknown".
std::string group_text(const Row& row, const std::string& key);

/// Experiment, model family and stand-in (empty for real hardware). Only results with equal keys are
/// compared.
using ComparisonKey = std::array<std::string, 3>;
ComparisonKey comparison_key(const Row& row);

/// Returns the keys by which results can be grouped: hw, framework, precision, tp, ep, dp_attention.
std::span<const std::string_view> group_keys();

/// Returns the points of all frontiers of `rows`. There is one frontier for each comparison key and each
/// combination of values of the keys in `by`. They are sorted by these, and the points of a frontier by
/// increasing x. Results that are not valid are excluded.
std::vector<const Row*> frontiers(std::span<const Row> rows, Metric metric, std::span<const std::string> by);

}  // namespace sweep::report
