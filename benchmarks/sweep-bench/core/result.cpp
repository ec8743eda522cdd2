#include "benchmarks/sweep-bench/core/result.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "util/json.hpp"

namespace sweep::client {

namespace {

using Json = nlohmann::ordered_json;

double ms(double seconds) {
  return seconds * 1000;
}

double rate(std::int64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

void add_setup(Json& json, const Setup& setup, const RunFacts& facts) {
  const Options& o = setup.options;
  json["date"] = facts.date;
  json["backend"] = o.backend;
  json["model_id"] = o.model;
  json["tokenizer_id"] = o.tokenizer.empty() ? o.model : o.tokenizer;
  json["best_of"] = o.best_of.value_or(1);
  json["num_prompts"] = o.num_prompts;
  for (const auto& [key, value] : setup.metadata)
    json[key] = value;
  json["request_rate"] = std::isinf(o.request_rate) ? Json("inf") : Json(o.request_rate);
  json["burstiness"] = o.burstiness;
  json["max_concurrency"] = o.max_concurrency ? Json(*o.max_concurrency) : Json();
}

void add_throughput(Json& json, const Setup& setup, const Metrics& m) {
  json["duration"] = m.duration;
  json["completed"] = m.completed;
  json["total_input_tokens"] = m.input_tokens;
  json["total_output_tokens"] = m.output_tokens;
  json["request_throughput"] = rate(static_cast<std::int64_t>(m.completed), m.duration);
  json["request_goodput:"] =
      setup.objectives.empty() ? Json() : Json(rate(static_cast<std::int64_t>(m.good), m.duration));
  json["output_throughput"] = rate(m.output_tokens, m.duration);
  json["total_token_throughput"] = rate(m.input_tokens + m.output_tokens, m.duration);
}

/// Adds the server's own times, in the order of ttfts and itls, if the server stamps its events.
void add_stamps(Json& json, const std::vector<RequestRecord>& records) {
  const auto stamped = [](const RequestRecord& record) { return record.server_ttft.has_value(); };
  if (std::none_of(records.begin(), records.end(), stamped)) return;
  Json ttfts = Json::array(), itls = Json::array();
  for (const RequestRecord& record : records) {
    ttfts.push_back(record.failure ? 0.0 : record.server_ttft.value_or(0));
    itls.push_back(record.failure ? Json::array() : Json(record.server_gaps));
  }
  json["server_ttfts"] = std::move(ttfts);
  json["server_itls"] = std::move(itls);
}

void add_details(Json& json, const std::vector<RequestRecord>& records) {
  Json ttfts = Json::array(), itls = Json::array(), texts = Json::array(), errors = Json::array();
  for (const RequestRecord& record : records) {
    ttfts.push_back(record.failure ? 0.0 : ttft_of(record));
    itls.push_back(record.failure ? Json::array() : Json(record.gaps));
    texts.push_back(record.text);
    errors.push_back(record.error);
  }
  json["ttfts"] = std::move(ttfts);
  json["itls"] = std::move(itls);
  json["generated_texts"] = std::move(texts);
  json["errors"] = std::move(errors);
  add_stamps(json, records);
}

void add_latency(Json& json, const Setup& setup, const Metrics& metrics) {
  for (const std::string name : {"ttft", "tpot", "itl", "e2el"}) {
    if (std::find(setup.metrics.begin(), setup.metrics.end(), name) == setup.metrics.end()) continue;
    const Statistics& s = metrics.latency.at(name);
    const std::string end = "_" + name + "_ms";
    json["mean" + end] = ms(s.mean);
    json["median" + end] = ms(s.median);
    json["std" + end] = ms(s.std);
    for (std::size_t i = 0; i < setup.percentiles.size(); ++i)
      json[setup.percentiles[i].first + end] = ms(s.percentiles[i]);
  }
}

std::string tokens_from(const Metrics& m) {
  if (m.without_usage == 0) return "usage";
  return m.without_usage == m.completed ? "chunks" : "usage, or chunks if there was no usage";
}

Json lag_json(const Statistics& s) {
  return {{"mean", ms(s.mean)}, {"p50", ms(s.percentiles.at(0))}, {"p99", ms(s.percentiles.at(1))}};
}

Json client_json(const RunFacts& facts, const Metrics& m, const ClientReport& client) {
  Json json;
  json["name"] = "sweep-bench";
  json["version"] = SWEEP_VERSION;
  json["threads"] = client.threads;
  json["busiest_thread_cpu"] = client.busiest_thread;
  json["connections"] = client.connections;
  json["stale_connections"] = client.stale_connections;
  json["peak_memory_kib"] = client.peak_memory_kib;
  json["arrival_stamps"] = client.kernel_stamps ? "kernel" : "read";
  json["prompt_format"] = facts.prompt_format;
  json["send_lag_ms"] = lag_json(m.send_lag);
  json["read_lag_ms"] = {{"mean", ms(client.read_lag.mean())},
                         {"p50", ms(client.read_lag.percentile(50))},
                         {"p99", ms(client.read_lag.percentile(99))},
                         {"max", ms(client.read_lag.max())}};
  json["queue_ms"] = lag_json(m.queue);
  return json;
}

void add_additional_keys(Json& json, const Setup& setup, const RunFacts& facts, const Metrics& m,
                         const ClientReport& client) {
  json["benchmark_start_time_unix"] = facts.start_unix;
  json["benchmark_end_time_unix"] = facts.end_unix;
  json["failed"] = m.failed;
  json["failure_ratio"] = failure_ratio(m);
  Json kinds = Json::object();
  for (std::size_t i = 0; i < kFailureWords.size(); ++i)
    kinds[std::string(kFailureWords[i])] = m.failures[i];
  json["failures"] = std::move(kinds);
  json["requested_input_tokens"] = m.requested_input;
  json["requested_output_tokens"] = m.requested_output;
  json["short_outputs"] = m.short_outputs;
  json["long_outputs"] = m.long_outputs;
  json["output_tokens_from"] = tokens_from(m);
  json["requests_without_usage"] = m.without_usage;
  const Verdict verdict = client_bound(client, m, setup.options.lag_bound_ms / 1000);
  json["client_bound"] = verdict.client_bound;
  if (verdict.client_bound) json["client_bound_reason"] = verdict.reason;
  if (m.simulated) json["simulated"] = true;
  json["client"] = client_json(facts, m, client);
}

}  // namespace

double failure_ratio(const Metrics& metrics) {
  const std::size_t all = metrics.completed + metrics.failed;
  return all == 0 ? 0 : static_cast<double>(metrics.failed) / static_cast<double>(all);
}

Json result_json(const Setup& setup, const RunFacts& facts, const Metrics& metrics,
                 const ClientReport& client, const std::vector<RequestRecord>& records) {
  Json json;
  add_setup(json, setup, facts);
  add_throughput(json, setup, metrics);
  json["input_lens"] = metrics.input_lens;
  json["output_lens"] = metrics.output_lens;
  if (setup.options.save_detailed) add_details(json, records);
  add_latency(json, setup, metrics);
  add_additional_keys(json, setup, facts, metrics, client);
  return json;
}

std::string result_path(const Setup& setup, const std::string& date) {
  const Options& o = setup.options;
  std::string name = o.result_filename;
  if (name.empty()) {
    char digits[40];
    const std::string rate_text =
        std::isinf(o.request_rate)
            ? "inf"
            : std::string(digits, std::to_chars(digits, digits + sizeof digits, o.request_rate).ptr);
    name = o.backend + "-" + rate_text + "qps" +
           (o.max_concurrency ? "-concurrency" + std::to_string(*o.max_concurrency) : "") + "-" +
           o.model.substr(o.model.rfind('/') + 1) + "-" + date + ".json";
  }
  if (o.result_dir.empty() || name.starts_with('/')) return name;
  return o.result_dir + (o.result_dir.ends_with('/') ? "" : "/") + name;
}

}  // namespace sweep::client
