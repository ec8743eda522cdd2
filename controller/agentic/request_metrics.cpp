#include "controller/agentic/request_metrics.hpp"

#include <algorithm>
#include <optional>

#include "controller/agentic/statistics.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kWindow = 1.0;  // seconds over which requests per second are counted

// Returns the requests that ended in each whole window between the first end and the last.
std::vector<double> ends_per_window(const std::vector<double>& ends) {
  std::vector<double> out;
  for (double begin = ends.front(); begin + kWindow <= ends.back(); begin += kWindow) {
    const auto first = std::lower_bound(ends.begin(), ends.end(), begin);
    const auto last = std::lower_bound(first, ends.end(), begin + kWindow);
    out.push_back(static_cast<double>(last - first) / kWindow);
  }
  return out;
}

Json requests_per_second(const Records& records) {
  std::vector<double> ends;
  for (const std::int64_t end : records.ends)
    ends.push_back(static_cast<double>(end) / 1e9);
  std::sort(ends.begin(), ends.end());
  if (ends.size() < 2 || ends.back() <= ends.front()) return Json::object();
  const std::vector<double> windows = ends_per_window(ends);
  Json out{{"window_seconds", kWindow}, {"samples", windows.size()}};
  out.update(windows.empty() ? Json{{"mean", static_cast<double>(ends.size()) / (ends.back() - ends.front())}}
                             : statistics(windows));
  return out;
}

Json latency(const Records& records) {
  return Json{{"ttft", statistics(records.ttft)},
              {"e2el", statistics(records.e2el)},
              {"itl", statistics(records.itl)},
              {"tpot", statistics(records.itl)},
              {"intvty", reciprocal_statistics(records.itl)},
              {"e2e_norm_intvty", reciprocal_statistics(records.e2el_per_token)},
              {"full_response_itl", statistics(records.full_response_itl)},
              {"full_response_intvty", reciprocal_statistics(records.full_response_itl)}};
}

// Returns how long the run took, from the first start to the last end, in seconds; std::nullopt if unknown.
std::optional<double> duration_of(const Records& records) {
  if (records.starts.empty() || records.ends.empty()) return std::nullopt;
  const std::int64_t first = *std::min_element(records.starts.begin(), records.starts.end());
  const std::int64_t last = *std::max_element(records.ends.begin(), records.ends.end());
  const double seconds = static_cast<double>(last - first) / 1e9;
  return seconds > 0 ? std::optional(seconds) : std::nullopt;
}

Json throughput(const Records& records, std::int64_t gpus) {
  const auto duration = duration_of(records);
  if (!duration) return Json::object();
  const std::int64_t in = records.input_total(), out_tokens = records.output_total();
  const double input = static_cast<double>(in) / *duration;
  const double output = static_cast<double>(out_tokens) / *duration;
  const double total = static_cast<double>(in + out_tokens) / *duration;
  const auto per_second = [](double tokens) { return Json{{"tokens_per_second", tokens}}; };
  Json out{{"input", per_second(input)},
           {"output", per_second(output)},
           {"total", per_second(total)},
           {"duration_seconds", *duration},
           {"per_gpu", Json::object()}};
  if (gpus > 0) {
    const auto count = static_cast<double>(gpus);
    out["per_gpu"] = Json{{"total_tput_tps", total / count},
                          {"output_tput_tps", output / count},
                          {"input_tput_tps", input / count}};
  }
  return out;
}

// Returns the share of blocks that an endless cache would have had, which aiperf computes; null if it did not.
Json theoretical_hit_rate(const Json& aggregate) {
  const Json* metric = python::member(aggregate, "theoretical_prefix_cache_hit");
  if (metric == nullptr || !metric->is_object()) return nullptr;
  const auto number = [&](const char* key) -> std::optional<double> {
    const Json* value = python::member(*metric, key);
    return value == nullptr ? std::nullopt : python::float_of(*value);
  };
  const auto hits = number("sum"), blocks = number("count");
  if (hits && blocks && *blocks > 0) return *hits / *blocks;
  const auto average = number("avg");
  if (!average) return nullptr;
  const Json* unit = python::member(*metric, "unit");
  const bool per_cent = unit != nullptr && trimmed(python::str_of(*unit)) == "%";
  return per_cent ? *average / 100.0 : *average;
}

}  // namespace

Json request_metrics(const Records& records, const Json& aggregate, const std::vector<std::int64_t>& expected,
                     std::int64_t gpus) {
  return Json{{"qps", requests_per_second(records)},
              {"latency", latency(records)},
              {"tokens",
               {{"input", count_statistics(records.input_tokens)},
                {"output_actual", count_statistics(records.output_tokens)},
                {"output_expected", count_statistics(expected)}}},
              {"throughput", throughput(records, gpus)},
              {"cache", {{"theoretical_cache_hit_rate", theoretical_hit_rate(aggregate)}}}};
}

}  // namespace sweep::agentic
