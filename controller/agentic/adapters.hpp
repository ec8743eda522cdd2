// Fills the result's server_metrics from the metrics of one kind of server. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>

#include "controller/agentic/metric_series.hpp"

namespace sweep::agentic {

/// Returns the value; null if there is none.
nlohmann::ordered_json value_or_null(std::optional<double> value);

/// Each fills `out`, an object with all keys of server_metrics.
void fill_vllm(const MetricSeries& metrics, nlohmann::ordered_json& out);
/// vLLM behind Dynamo, whose front end counts tokens.
void fill_dynamo_vllm(const MetricSeries& metrics, nlohmann::ordered_json& out);
void fill_sglang(const MetricSeries& metrics, nlohmann::ordered_json& out);
void fill_atom(const MetricSeries& metrics, nlohmann::ordered_json& out);

}  // namespace sweep::agentic
