#include "controller/power/metrics.hpp"

#include <algorithm>
#include <cmath>

#include "controller/power/per_gpu.hpp"
#include "controller/python/math.hpp"
#include "util/json.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchemaVersion = 2;

constexpr std::string_view kDeploymentKeys[] = {"avg_power_w",
                                                "avg_total_gpu_power_w",
                                                "total_gpu_energy_j",
                                                "joules_per_successful_query",
                                                "joules_per_input_token",
                                                "joules_per_output_token",
                                                "joules_per_total_token"};
constexpr std::string_view kRoleKeys[] = {"prefill_gpu_energy_j",
                                          "decode_gpu_energy_j",
                                          "prefill_avg_power_w",
                                          "decode_avg_power_w",
                                          "prefill_joules_per_input_token",
                                          "decode_joules_per_output_token"};

}  // namespace

Metrics deployment_metrics(double energy, std::size_t gpus, const Benchmark& benchmark) {
  const double power = energy / benchmark.window();
  const auto per = [&](std::int64_t count) { return energy / static_cast<double>(count); };
  return {{"avg_power_w", power / static_cast<double>(gpus)},
          {"avg_total_gpu_power_w", power},
          {"total_gpu_energy_j", energy},
          {"joules_per_successful_query", per(benchmark.completed)},
          {"joules_per_input_token", per(benchmark.input_tokens)},
          {"joules_per_output_token", per(benchmark.output_tokens)},
          {"joules_per_total_token", per(benchmark.input_tokens + benchmark.output_tokens)}};
}

bool all_finite(const Metrics& metrics) {
  return std::all_of(metrics.begin(), metrics.end(),
                     [](const auto& metric) { return std::isfinite(metric.second); });
}

Expected<void> patch_result(Json& result, bool valid, const Metrics& metrics, Roles roles) {
  if (!result.is_object()) return fail("it is not a JSON object");
  for (const auto& [key, value] : metrics) {
    if (valid && !std::isfinite(value)) return fail("non-finite power metric: " + key);
  }
  for (const std::string_view key : kDeploymentKeys)
    result.erase(std::string(key));
  if (roles == Roles::Remove) {
    for (const std::string_view key : kRoleKeys)
      result.erase(std::string(key));
  }
  result["power_metric_schema_version"] = kSchemaVersion;
  result["power_valid"] = valid ? 1 : 0;
  result.erase("power_invalid_reasons");
  if (!valid) return {};
  for (const auto& [key, value] : metrics)
    result[key] = python::round(value, key.ends_with("_w") || key.ends_with("_j") ? 3 : 6);
  return {};
}

Json metrics_json(const Metrics& metrics) {
  Json out = Json::object();
  for (const auto& [key, value] : metrics) {
    if (std::isfinite(value)) out[key] = python::round(value, 6);
  }
  return out;
}

Json one_node_sidecar(const OneNodeVerdict& verdict, const Integration& integration,
                      const Json& accumulator_check) {
  Json out{{"schema_version", 1},
           {"power_valid", verdict.reasons.empty()},
           {"reasons", verdict.reasons.all()},
           {"telemetry_source", verdict.csv},
           {"benchmark_result", verdict.bench_result},
           {"benchmark_window", window_json(verdict.benchmark)},
           {"integration_method", kIntegrationMethod}};
  out["expected_gpu_count"] = integration.expected_gpus ? Json(*integration.expected_gpus) : Json();
  out["observed_gpu_count"] = integration.gpus.size();
  out["observed_gpu_ids"] = integration.gpus;
  out["per_gpu_sample_counts"] = per_gpu_json<Json>(integration.samples);
  out["per_gpu_max_sample_gap_s"] = per_gpu_json<Json>(integration.largest_gap);
  out["per_gpu_energy_j"] = per_gpu_json<Json>(integration.energy);
  out["device_issues"] = per_gpu_json<Json>(integration.issues);
  out["accumulator_check"] = accumulator_check;
  out["metrics"] = metrics_json(verdict.metrics);
  return out;
}

}  // namespace sweep::power
