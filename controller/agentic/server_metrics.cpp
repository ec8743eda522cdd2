#include "controller/agentic/server_metrics.hpp"

#include "controller/agentic/adapters.hpp"
#include "controller/python/text.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kShownNames = 10;

const char* adapter_name(Adapter adapter) {
  switch (adapter) {
    case Adapter::DynamoVllm:
      return "dynamo-vllm";
    case Adapter::Atom:
      return "atom";
    case Adapter::Sglang:
      return "sglang";
    case Adapter::Vllm:
      return "vllm";
    case Adapter::None:
      break;
  }
  return "none";
}

Json nulls(std::initializer_list<const char*> keys) {
  Json out = Json::object();
  for (const char* key : keys)
    out[key] = nullptr;
  return out;
}

// Returns server_metrics with all its keys and no values.
Json empty_metrics(std::size_t count) {
  Json cache = nulls({"gpu_cache_hit_rate", "cpu_cache_hit_rate", "external_cache_hit_rate",
                      "overall_cache_hit_rate", "prefix_cache_hits", "prefix_cache_queries",
                      "external_prefix_cache_hits", "external_prefix_cache_queries"});
  cache["cached_tokens_by_source"] = Json::object();
  cache.update(nulls({"frontend_cache_hit_rate", "router_kv_hit_rate", "router_shared_cache_hit_rate",
                      "frontend_cached_tokens", "frontend_input_tokens"}));
  Json sources = nulls({"gpu_cache_hit", "cpu_or_external_cache_hit", "computed"});
  sources["raw"] = Json::object();
  Json tokens = nulls({"prompt_total", "generation_total", "requests_completed"});
  tokens["prompt_by_source"] = std::move(sources);
  return Json{{"present", count > 0},
              {"adapter", "none"},
              {"metric_count", count},
              {"cache", std::move(cache)},
              {"kv_cache", nulls({"gpu_usage_pct", "gpu_total_tokens", "cpu_usage_pct", "cpu_used_tokens",
                                  "cpu_total_tokens"})},
              {"kv_offload",
               nulls({"bytes_gpu_to_cpu", "bytes_cpu_to_gpu", "time_gpu_to_cpu", "time_cpu_to_gpu",
                      "bandwidth_gpu_to_cpu_bytes_per_second", "bandwidth_cpu_to_gpu_bytes_per_second"})},
              {"tokens", std::move(tokens)},
              {"sources", Json::array()}};
}

void fill(Adapter adapter, const MetricSeries& metrics, Json& out) {
  switch (adapter) {
    case Adapter::DynamoVllm:
      return fill_dynamo_vllm(metrics, out);
    case Adapter::Atom:
      return fill_atom(metrics, out);
    case Adapter::Sglang:
      return fill_sglang(metrics, out);
    case Adapter::Vllm:
      return fill_vllm(metrics, out);
    case Adapter::None:
      return;
  }
}

tl::unexpected<Error> unknown_server(const MetricSeries& metrics, const std::string& framework) {
  Names names = metrics.names();
  if (names.size() > kShownNames) names.resize(kShownNames);
  return fail("Unsupported agentic server metrics backend; framework=" + python::repr(framework) +
              ", metric_names=[" + join(names, ", ") +
              "]; known names begin with dynamo_, atom:, atom_, sglang: or vllm:");
}

// Fills totals that the server did not report with those of the requests.
void fill_from_records(const Records& records, Json& tokens) {
  if (tokens["prompt_total"].is_null() && !records.input_tokens.empty())
    tokens["prompt_total"] = records.input_total();
  if (tokens["generation_total"].is_null() && !records.output_tokens.empty())
    tokens["generation_total"] = records.output_total();
  tokens["requests_completed"] = records.usable;
}

}  // namespace

Adapter adapter_of(const MetricSeries& metrics, const std::string& framework) {
  const std::string name = ascii_lower(framework);
  const auto fits = [&](std::initializer_list<std::string_view> prefixes, const char* own_name) {
    return metrics.any_begins_with(prefixes) || (metrics.empty() && name == own_name);
  };
  if (name.starts_with("dynamo") || metrics.any_begins_with({"dynamo_"})) return Adapter::DynamoVllm;
  if (fits({"atom:", "atom_"}, "atom")) return Adapter::Atom;
  if (fits({"sglang:"}, "sglang")) return Adapter::Sglang;
  if (fits({"vllm:"}, "vllm")) return Adapter::Vllm;
  return Adapter::None;
}

Expected<ServerMetrics> server_metrics(const Json& exported, const std::string& framework,
                                       const Records& records, std::optional<std::int64_t> log_capacity) {
  const MetricSeries metrics(exported);
  const Adapter adapter = adapter_of(metrics, framework);
  ServerMetrics out{empty_metrics(metrics.size()), {}};
  if (metrics.empty()) {
    out.warnings.emplace_back("server_metrics_export.json missing or empty");
  } else if (adapter == Adapter::None) {
    return unknown_server(metrics, ascii_lower(framework));
  } else {
    out.json["adapter"] = adapter_name(adapter);
    fill(adapter, metrics, out.json);
  }
  if (log_capacity) out.json["kv_cache"]["gpu_total_tokens"] = *log_capacity;
  fill_from_records(records, out.json["tokens"]);
  return out;
}

}  // namespace sweep::agentic
