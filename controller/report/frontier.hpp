// The Pareto frontier: the results of a group that no other one of it beats both in throughput per GPU and in
// what a user feels (latency or interactivity). Pure.
//
// Rule: results of different models, or of experiments that are known to differ (exp-name: other sequence
// lengths), are never held against each other; nor are a stand-in's and those of real hardware.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/report/row.hpp"

namespace sweep::report {

/// What throughput per GPU is traded against: the x axis of a plot.
enum class Metric {
  MedianE2el,    // end-to-end latency, seconds: less is better
  MedianIntvty,  // interactivity, tokens a second and user: more is better
};

/// The metric's key in a processed result, "median_e2el" or "median_intvty"; and back, nothing for another.
std::string_view metric_key(Metric metric);
std::optional<Metric> metric_of(std::string_view key);

/// One result as a point of the plane. y: throughput per GPU, tokens a second.
struct TradeOff {
  double x = 0, y = 0;
};

/// The indexes of the points that no other one beats, by rising x. A point beats another when it is at least
/// as good in both and better in one; of equal points the first stands for all. Values must be finite.
std::vector<std::size_t> pareto_frontier(std::span<const TradeOff> points, Metric metric);

/// The result's place in the plane; nothing when a value is missing or not finite.
std::optional<TradeOff> trade_off(const Row& row, Metric metric);

/// The family of a model name (contract, section 4): 70b, dsr1, or the name's last path part up to its first
/// dash.
std::string model_family(const std::string& model);

/// The text of `key` in lower case, as results are grouped by it; a result without it belongs to the
/// contract's default (framework vllm, precision fp8) or to "unknown".
std::string group_text(const Row& row, const std::string& key);

/// What results must have in common to be held against each other: experiment, model family, and what stood
/// in for the hardware (empty: nothing did).
using Comparable = std::array<std::string, 3>;
Comparable comparable(const Row& row);

/// The keys that a frontier may be asked for by: hw, framework, precision, tp, ep, dp_attention.
std::span<const std::string_view> group_keys();

/// The frontiers of `rows`: one for each exp-name, model family and
/// combination of values of the keys in `by`, sorted by these, each by rising x. Without keys in `by` a model
/// has one frontier. Results that are not valid are on none.
std::vector<const Row*> frontiers(std::span<const Row> rows, Metric metric, std::span<const std::string> by);

}  // namespace sweep::report
