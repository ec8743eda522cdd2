// What the server of an agentic run reported: cache hit rates, KV cache use, offloading, tokens. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controller/agentic/metric_series.hpp"
#include "controller/agentic/records.hpp"
#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

/// How a kind of server names its metrics.
enum class Adapter { None, DynamoVllm, Atom, Sglang, Vllm };

/// Returns the adapter for the metrics; if there are none, that of the framework.
Adapter adapter_of(const MetricSeries& metrics, const std::string& framework);

struct ServerMetrics {
  nlohmann::ordered_json json;  // the result's server_metrics
  std::vector<std::string> warnings;
};

/// Returns the result's server_metrics. `log_capacity`: the KV cache's size in tokens, from the server's logs.
/// Fails if there are metrics that no adapter fits.
Expected<ServerMetrics> server_metrics(const nlohmann::ordered_json& exported, const std::string& framework,
                                       const Records& records, std::optional<std::int64_t> log_capacity);

}  // namespace sweep::agentic
