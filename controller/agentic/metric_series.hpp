// The time series of a server's metrics (server_metrics_export.json), by name. Pure.
#pragma once

#include <functional>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sweep::agentic {

using Names = std::vector<std::string>;

class MetricSeries {
 public:
  /// Reads the object `metrics` of the export; an export that is not an object has none. `exported` must live as
  /// long as this object.
  explicit MetricSeries(const nlohmann::ordered_json& exported);

  bool empty() const { return size() == 0; }
  std::size_t size() const;
  /// Returns whether the name of any metric begins with one of the prefixes.
  bool any_begins_with(std::initializer_list<std::string_view> prefixes) const;
  /// The names in alphabetical order.
  Names names() const;

  using Filter = std::function<bool(const nlohmann::ordered_json& series)>;

  /// Returns all series of the named metrics.
  std::vector<const nlohmann::ordered_json*> series(const Names& names) const;
  /// Returns the sum over the series of the first of total, sum, max and avg; std::nullopt if none has any.
  std::optional<double> counter(const Names& names, const Filter& filter = nullptr) const;
  /// Returns the largest value of the series: the first of max, avg and total of each.
  std::optional<double> gauge(const Names& names, const Filter& filter = nullptr) const;
  /// Returns the mean over the series of the first of avg, max and total.
  std::optional<double> mean_gauge(const Names& names) const;
  /// Returns the sum over the series of the first of max, avg, total and sum.
  std::optional<double> capacity(const Names& names) const;
  /// Returns the sums of counter() for each value of a label, in order of appearance.
  std::vector<std::pair<std::string, double>> by_label(const Names& names, const std::string& label) const;

 private:
  using Keys = std::initializer_list<const char*>;
  std::vector<double> values(const Names& names, Keys keys, const Filter& filter) const;

  const nlohmann::ordered_json* metrics_ = nullptr;  // an object, or nullptr
};

/// Returns the value of a series' label as text; std::nullopt if it has none.
std::optional<std::string> label_of(const nlohmann::ordered_json& series, const std::string& label);

/// Returns a share as a fraction: values above 1.5 are per cent.
std::optional<double> as_fraction(std::optional<double> value);

/// Returns a / b; std::nullopt if one is unknown or b is not above 0.
std::optional<double> ratio(std::optional<double> a, std::optional<double> b);

}  // namespace sweep::agentic
