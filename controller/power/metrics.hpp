// The metrics of a valid measurement, and the two files that have them: the processed result and the sidecar.
// Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/power/integration.hpp"
#include "util/error.hpp"

namespace sweep::power {

/// Metrics by name, in the order in which they are written. Names ending in _w are watts, in _j joules.
using Metrics = std::vector<std::pair<std::string, double>>;

constexpr std::string_view kIntegrationMethod = "per_device_trapezoidal_with_linear_boundary_interpolation";

/// Returns the seven metrics of a whole deployment of `gpus` GPUs that used `energy` joules in the window.
Metrics deployment_metrics(double energy, std::size_t gpus, const Benchmark& benchmark);

/// Returns true if power metrics may be divided by the counts of `benchmark` and none of them overflows.
bool all_finite(const Metrics& metrics);

/// Writes power into a processed result: removes the metrics of an earlier aggregation (for `roles`, also those
/// of prefill and decode) and power_invalid_reasons, sets power_metric_schema_version and power_valid, and, if
/// `valid`, adds the metrics, rounded. Fails if `result` is not an object or a metric is not finite; `result` is
/// then unchanged.
enum class Roles { Keep, Remove };
Expected<void> patch_result(nlohmann::ordered_json& result, bool valid, const Metrics& metrics, Roles roles);

/// Returns the metrics rounded to six places, for a sidecar.
nlohmann::ordered_json metrics_json(const Metrics& metrics);

/// What a sidecar of one node contains beside the integration.
struct OneNodeVerdict {
  std::string csv, bench_result;  // as given
  std::optional<Benchmark> benchmark;
  Reasons reasons;  // none: power is valid
  Metrics metrics;
};

/// Returns the sidecar (power_validation_*.json). `accumulator_check` becomes its value of that name.
nlohmann::ordered_json one_node_sidecar(const OneNodeVerdict& verdict, const Integration& integration,
                                        const nlohmann::ordered_json& accumulator_check);

}  // namespace sweep::power
