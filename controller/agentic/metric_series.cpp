#include "controller/agentic/metric_series.hpp"

#include <algorithm>
#include <numeric>

#include "controller/agentic/statistics.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

// Returns the first of the statistics that is a number.
std::optional<double> statistic(const Json& series, std::initializer_list<const char*> keys) {
  const Json* stats = python::member(series, "stats");
  if (stats == nullptr) return std::nullopt;
  for (const char* key : keys) {
    const Json* value = python::member(*stats, key);
    const auto number = value == nullptr ? std::nullopt : python::float_of(*value);
    if (number) return number;
  }
  return std::nullopt;
}

std::optional<double> sum_of(const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

MetricSeries::MetricSeries(const Json& exported) {
  const Json* metrics = python::member(exported, "metrics");
  if (metrics != nullptr && metrics->is_object()) metrics_ = metrics;
}

std::size_t MetricSeries::size() const {
  return metrics_ == nullptr ? 0 : metrics_->size();
}

Names MetricSeries::names() const {
  Names out;
  if (metrics_ == nullptr) return out;
  for (auto item = metrics_->begin(); item != metrics_->end(); ++item)
    out.push_back(item.key());
  std::sort(out.begin(), out.end());
  return out;
}

bool MetricSeries::any_begins_with(std::initializer_list<std::string_view> prefixes) const {
  const Names all = names();
  return std::any_of(all.begin(), all.end(), [&](const std::string& name) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](std::string_view prefix) { return name.starts_with(prefix); });
  });
}

std::vector<const Json*> MetricSeries::series(const Names& names) const {
  std::vector<const Json*> out;
  for (const std::string& name : names) {
    const Json* entry = metrics_ == nullptr ? nullptr : python::member(*metrics_, name);
    const Json* all = entry == nullptr ? nullptr : python::member(*entry, "series");
    if (all == nullptr || !all->is_array()) continue;
    for (const Json& one : *all) {
      if (one.is_object()) out.push_back(&one);
    }
  }
  return out;
}

std::vector<double> MetricSeries::values(const Names& names, Keys keys, const Filter& filter) const {
  std::vector<double> out;
  for (const Json* one : series(names)) {
    if (filter && !filter(*one)) continue;
    if (const auto value = statistic(*one, keys)) out.push_back(*value);
  }
  return out;
}

std::optional<double> MetricSeries::counter(const Names& names, const Filter& filter) const {
  return sum_of(values(names, {"total", "sum", "max", "avg"}, filter));
}

std::optional<double> MetricSeries::gauge(const Names& names, const Filter& filter) const {
  const std::vector<double> all = values(names, {"max", "avg", "total"}, filter);
  if (all.empty()) return std::nullopt;
  return *std::max_element(all.begin(), all.end());
}

std::optional<double> MetricSeries::mean_gauge(const Names& names) const {
  const std::vector<double> all = values(names, {"avg", "max", "total"}, nullptr);
  if (all.empty()) return std::nullopt;
  return mean_of(all);
}

std::optional<double> MetricSeries::capacity(const Names& names) const {
  return sum_of(values(names, {"max", "avg", "total", "sum"}, nullptr));
}

std::vector<std::pair<std::string, double>> MetricSeries::by_label(const Names& names,
                                                                   const std::string& label) const {
  std::vector<std::pair<std::string, double>> out;
  for (const Json* one : series(names)) {
    const auto name = label_of(*one, label);
    const auto value = statistic(*one, {"total", "sum", "max", "avg"});
    if (!name || !value) continue;
    const auto found =
        std::find_if(out.begin(), out.end(), [&](const auto& entry) { return entry.first == *name; });
    if (found == out.end()) {
      out.emplace_back(*name, *value);
    } else {
      found->second += *value;
    }
  }
  return out;
}

std::optional<std::string> label_of(const Json& series, const std::string& label) {
  const Json* labels = python::member(series, "labels");
  const Json* value = labels == nullptr ? nullptr : python::member(*labels, label);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return python::str_of(*value);
}

std::optional<double> as_fraction(std::optional<double> value) {
  return value && *value > 1.5 ? *value / 100.0 : value;
}

std::optional<double> ratio(std::optional<double> a, std::optional<double> b) {
  if (!a || !b || *b <= 0) return std::nullopt;
  return *a / *b;
}

}  // namespace sweep::agentic
