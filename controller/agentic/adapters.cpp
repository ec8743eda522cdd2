#include "controller/agentic/adapters.hpp"

#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include "controller/python/math.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"

namespace sweep::agentic {

namespace {

using Json = nlohmann::ordered_json;
using Value = std::optional<double>;
using Labelled = std::vector<std::pair<std::string, double>>;

// Returns a count of tokens as a whole number.
Json whole_or_null(Value value) {
  if (!value || !(std::fabs(*value) < 9e18)) return nullptr;
  return static_cast<std::int64_t>(std::nearbyint(*value));
}

Value of_label(const Labelled& values, const std::string& label) {
  for (const auto& [name, value] : values) {
    if (name == label) return value;
  }
  return std::nullopt;
}

double sum_of(const Labelled& values) {
  std::vector<double> all;
  for (const auto& [name, value] : values)
    all.push_back(value);
  return python::sum(all);
}

Json labelled_json(const Labelled& values) {
  Json out = Json::object();
  for (const auto& [name, value] : values)
    out[name] = value;
  return out;
}

struct HitRates {
  Value gpu, external, overall;  // shares of the prompt's tokens
};

void put_hit_rates(const HitRates& rates, Json& cache) {
  cache["gpu_cache_hit_rate"] = value_or_null(rates.gpu);
  cache["cpu_cache_hit_rate"] = value_or_null(rates.external);
  cache["external_cache_hit_rate"] = value_or_null(rates.external);
  cache["overall_cache_hit_rate"] = value_or_null(rates.overall);
}

void put_prompt_sources(Value gpu, Value external, Value computed, const Labelled& raw, Json& tokens) {
  tokens["prompt_by_source"] = Json{{"gpu_cache_hit", value_or_null(gpu)},
                                    {"cpu_or_external_cache_hit", value_or_null(external)},
                                    {"computed", value_or_null(computed)},
                                    {"raw", labelled_json(raw)}};
}

// Returns who reports a series: its role in the deployment, endpoint, worker and rank.
std::string source_id(const Json& series) {
  const auto truthy = [&](const char* label) {
    const auto value = label_of(series, label);
    return value && !value->empty() ? *value : std::string();
  };
  std::string component = truthy("dynamo_component");
  if (component.empty()) component = truthy("component");
  std::string id = "combined";
  if (component == "prefill") id = "prefill";
  if (component == "backend" || component == "decode") id = "decode";
  if (component == "frontend" || component == "router") id = "router";
  const Json* endpoint = python::member(series, "endpoint_url");
  if (endpoint != nullptr && python::truth_of(*endpoint)) id += "|" + python::str_of(*endpoint);
  for (const char* label : {"worker_id", "dp_rank", "engine"}) {
    if (const auto value = label_of(series, label)) id += "|" + std::string(label) + "=" + *value;
  }
  return id;
}

const Names& usage_names() {
  static const Names kNames = {"vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"};
  return kNames;
}

Json vllm_sources(const MetricSeries& metrics) {
  std::set<std::string> ids;
  for (const Json* series : metrics.series({"vllm:prompt_tokens", "vllm:generation_tokens",
                                            "vllm:prefix_cache_hits", "vllm:prefix_cache_queries",
                                            "vllm:kv_cache_usage_perc", "vllm:prompt_tokens_by_source"}))
    ids.insert(source_id(*series));
  Json out = Json::array();
  for (const std::string& id : ids) {
    const auto of_source = [&](const Json& series) { return source_id(series) == id; };
    const auto counter = [&](const char* name) { return metrics.counter({name}, of_source); };
    const Value rate = ratio(counter("vllm:prefix_cache_hits"), counter("vllm:prefix_cache_queries"));
    out.push_back(Json{
        {"id", id},
        {"role", id.substr(0, id.find('|'))},
        {"prompt_tokens", value_or_null(counter("vllm:prompt_tokens"))},
        {"generation_tokens", value_or_null(counter("vllm:generation_tokens"))},
        {"prefix_cache_hit_rate", value_or_null(rate)},
        {"gpu_kv_cache_usage_pct", value_or_null(as_fraction(metrics.gauge(usage_names(), of_source)))}});
  }
  return out;
}

void put_offload(const MetricSeries& metrics, Json& offload) {
  const auto put = [&](const std::string& direction) {
    const Value bytes = metrics.counter({"vllm:kv_offload_bytes_" + direction});
    const Value time = metrics.counter({"vllm:kv_offload_time_" + direction});
    offload["bytes_" + direction] = value_or_null(bytes);
    offload["time_" + direction] = value_or_null(time);
    offload["bandwidth_" + direction + "_bytes_per_second"] = value_or_null(ratio(bytes, time));
  };
  put("gpu_to_cpu");
  put("cpu_to_gpu");
}

// Returns the hit rates of vLLM, and fills the prompt's tokens by source if they are known.
HitRates vllm_hit_rates(const MetricSeries& metrics, Json& tokens) {
  HitRates rates;
  rates.gpu =
      ratio(metrics.counter({"vllm:prefix_cache_hits"}), metrics.counter({"vllm:prefix_cache_queries"}));
  rates.external = ratio(metrics.counter({"vllm:external_prefix_cache_hits"}),
                         metrics.counter({"vllm:external_prefix_cache_queries"}));
  const Labelled sources = metrics.by_label({"vllm:prompt_tokens_by_source"}, "source");
  if (sources.empty()) {
    rates.overall = rates.gpu;
    return rates;
  }
  const Value local = of_label(sources, "local_cache_hit");
  const Value transfer = of_label(sources, "external_kv_transfer");
  if (const double total = sum_of(sources); total > 0) {
    if (local) rates.gpu = *local / total;
    if (transfer) rates.external = *transfer / total;
    rates.overall = (local.value_or(0) + transfer.value_or(0)) / total;
  }
  put_prompt_sources(local, transfer, of_label(sources, "local_compute"), sources, tokens);
  return rates;
}

// Fills everything but the totals of tokens.
void fill_vllm_caches(const MetricSeries& metrics, Json& out) {
  Json& cache = out["cache"];
  put_hit_rates(vllm_hit_rates(metrics, out["tokens"]), cache);
  const auto put_counter = [&](const char* key, const char* name) {
    cache[key] = value_or_null(metrics.counter({name}));
  };
  put_counter("prefix_cache_hits", "vllm:prefix_cache_hits");
  put_counter("prefix_cache_queries", "vllm:prefix_cache_queries");
  put_counter("external_prefix_cache_hits", "vllm:external_prefix_cache_hits");
  put_counter("external_prefix_cache_queries", "vllm:external_prefix_cache_queries");
  out["kv_cache"]["gpu_usage_pct"] = value_or_null(as_fraction(metrics.gauge(usage_names())));
  out["kv_cache"]["cpu_usage_pct"] =
      value_or_null(as_fraction(metrics.gauge({"vllm:cpu_kv_cache_usage_perc"})));
  put_offload(metrics, out["kv_offload"]);
  out["sources"] = vllm_sources(metrics);
}

void put_totals(Value prompt, Value generation, Json& tokens) {
  tokens["prompt_total"] = whole_or_null(prompt);
  tokens["generation_total"] = whole_or_null(generation);
}

}  // namespace

Json value_or_null(Value value) {
  return value ? Json(*value) : Json();
}

void fill_vllm(const MetricSeries& metrics, Json& out) {
  put_totals(metrics.counter({"vllm:prompt_tokens"}), metrics.counter({"vllm:generation_tokens"}),
             out["tokens"]);
  fill_vllm_caches(metrics, out);
}

void fill_dynamo_vllm(const MetricSeries& metrics, Json& out) {
  const auto first = [&](const char* frontend, const char* engine) {
    const Value value = metrics.counter({frontend});
    return value ? value : metrics.counter({engine});
  };
  put_totals(first("dynamo_frontend_input_sequence_tokens", "vllm:prompt_tokens"),
             first("dynamo_frontend_output_tokens", "vllm:generation_tokens"), out["tokens"]);
  fill_vllm_caches(metrics, out);
  if (Json& usage = out["kv_cache"]["gpu_usage_pct"]; usage.is_null())
    usage = value_or_null(as_fraction(metrics.gauge({"dynamo_component_gpu_cache_usage_percent"})));
  const Value cached = metrics.counter({"dynamo_frontend_cached_tokens"});
  const Value input = metrics.counter({"dynamo_frontend_input_sequence_tokens"});
  const auto share = [&](const char* name) { return value_or_null(as_fraction(metrics.mean_gauge({name}))); };
  Json& cache = out["cache"];
  cache["frontend_cache_hit_rate"] = value_or_null(ratio(cached, input));
  cache["router_kv_hit_rate"] = share("dynamo_component_router_kv_hit_rate");
  cache["router_shared_cache_hit_rate"] = share("dynamo_component_router_shared_cache_hit_rate");
  cache["frontend_cached_tokens"] = value_or_null(cached);
  cache["frontend_input_tokens"] = value_or_null(input);
}

void fill_sglang(const MetricSeries& metrics, Json& out) {
  const Value prompt = metrics.counter({"sglang:prompt_tokens"});
  put_totals(prompt, metrics.counter({"sglang:generation_tokens"}), out["tokens"]);
  const Labelled sources = metrics.by_label({"sglang:cached_tokens"}, "cache_source");
  const Value device = of_label(sources, "device"), host = of_label(sources, "host");
  const Value cached = sources.empty() ? Value() : Value(sum_of(sources));
  HitRates rates{ratio(device, prompt), ratio(host, prompt), ratio(cached, prompt)};
  if (!rates.overall) rates.overall = as_fraction(metrics.mean_gauge({"sglang:cache_hit_rate"}));
  put_hit_rates(rates, out["cache"]);
  out["cache"]["cached_tokens_by_source"] = labelled_json(sources);

  const Value used = metrics.gauge({"sglang:hicache_host_used_tokens"});
  const Value total = metrics.gauge({"sglang:hicache_host_total_tokens"});
  Json& kv_cache = out["kv_cache"];
  kv_cache["gpu_usage_pct"] = value_or_null(as_fraction(metrics.gauge({"sglang:token_usage"})));
  kv_cache["gpu_total_tokens"] = whole_or_null(metrics.capacity({"sglang:max_total_num_tokens"}));
  kv_cache["cpu_usage_pct"] = value_or_null(ratio(used, total));
  kv_cache["cpu_used_tokens"] = value_or_null(used);
  kv_cache["cpu_total_tokens"] = value_or_null(total);
  const Value computed = metrics.counter({"sglang:realtime_tokens"}, [](const Json& series) {
    return label_of(series, "mode") == "prefill_compute";
  });
  put_prompt_sources(device, host, computed, sources, out["tokens"]);
}

void fill_atom(const MetricSeries& metrics, Json& out) {
  // The names as the server spells them and as aiperf does, with and without the ending of counters.
  const auto counter = [&](const std::string& stem) {
    return metrics.counter(
        {"atom:" + stem, "atom_" + stem, "atom:" + stem + "_total", "atom_" + stem + "_total"});
  };
  put_totals(counter("prompt_tokens"), counter("generation_tokens"), out["tokens"]);
  const Value cached = counter("prefix_cache_cached_tokens"), full = counter("prefix_cache_full_tokens");
  const Value external = counter("lmcache_loaded_tokens");
  // The cached tokens may contain those that LMCache loaded, so they are the overall rate, too.
  const Value rate = ratio(cached, full);
  Json& cache = out["cache"];
  put_hit_rates({rate, ratio(external, full), rate}, cache);
  cache["prefix_cache_hits"] = value_or_null(cached);
  cache["prefix_cache_queries"] = value_or_null(full);
  cache["external_prefix_cache_hits"] = value_or_null(external);
  cache["external_prefix_cache_queries"] = value_or_null(full);
  out["kv_cache"]["gpu_usage_pct"] =
      value_or_null(as_fraction(metrics.gauge({"atom:kv_cache_usage_ratio", "atom_kv_cache_usage_ratio"})));
}

}  // namespace sweep::agentic
