#include "controller/agentic/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "util/json.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::pair<const char*, double> kPercentiles[] = {
    {"p50", 50}, {"p75", 75}, {"p90", 90}, {"p95", 95}};

// More digits than a double has, because Python computes these sums exactly.
long double exact_sum(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values)
    sum += value;
  return sum;
}

}  // namespace

double percentile(const std::vector<double>& sorted, double percent) {
  if (sorted.empty()) return 0;
  const double at = static_cast<double>(sorted.size() - 1) * (percent / 100);
  const auto left = static_cast<std::size_t>(at);
  if (left + 1 >= sorted.size()) return sorted[left];
  return sorted[left] + (at - static_cast<double>(left)) * (sorted[left + 1] - sorted[left]);
}

double mean_of(const std::vector<double>& values) {
  if (values.empty()) return 0;
  return static_cast<double>(exact_sum(values) / static_cast<long double>(values.size()));
}

double deviation_of(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const auto count = static_cast<long double>(values.size());
  const long double mean = exact_sum(values) / count;
  long double squares = 0;
  for (const double value : values)
    squares += (value - mean) * (value - mean);
  return static_cast<double>(std::sqrt(squares / count));
}

Json statistics(std::vector<double> values) {
  Json out = Json::object();
  if (values.empty()) return out;
  out["mean"] = mean_of(values);
  const double deviation = deviation_of(values);
  std::sort(values.begin(), values.end());
  for (const auto& [name, percent] : kPercentiles)
    out[name] = percentile(values, percent);
  out["std"] = deviation;
  return out;
}

Json count_statistics(const std::vector<std::int64_t>& counts) {
  std::vector<double> values;
  std::int64_t sum = 0;
  for (const std::int64_t count : counts) {
    values.push_back(static_cast<double>(count));
    sum += count;
  }
  Json out = statistics(values);
  const auto size = static_cast<std::int64_t>(counts.size());
  if (size > 0 && sum % size == 0) out["mean"] = sum / size;
  return out;
}

Json reciprocal_statistics(std::vector<double> values) {
  Json out = Json::object();
  if (values.empty()) return out;
  std::vector<double> reciprocals;
  for (const double value : values)
    reciprocals.push_back(1.0 / value);
  const Json direct = statistics(std::move(values));
  for (const char* name : {"mean", "p50", "p75", "p90", "p95"})
    out[name] = 1.0 / direct[name].get<double>();
  out["std"] = deviation_of(reciprocals);
  return out;
}

}  // namespace sweep::agentic
