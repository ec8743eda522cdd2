// The options of a run: those of vLLM's benchmark_serving that InferenceMAX's scripts use, with the same
// names and meaning, and a few more. Pure.
//
// A Setup that check_options() returns is valid; the rest of the client does not check it again.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "util/error.hpp"
#include "util/json.hpp"

namespace sweep::client {

enum class Api { Completions, Chat };
/// How prompts are sent. Auto: as token ids if the endpoint accepts them (completions), otherwise as text.
enum class PromptFormat { Auto, Ids, Text };

struct Options {
  // The server.
  std::string backend = "vllm";  // only copied to the result; all of kBackends use the OpenAI API
  std::string base_url;          // if empty: http://host:port
  std::string host = "127.0.0.1";
  int port = 8000;
  std::string endpoint;  // if empty: the default path of the API
  std::string model, served_model_name, tokenizer;
  std::string api_key;  // sent as a bearer token; empty: not sent

  // The load. Lengths in tokens, rates in requests per second.
  std::string dataset_name = "random";
  std::int64_t input_len = 1024, output_len = 128, prefix_len = 0;
  double range_ratio = 1.0;
  std::int64_t num_prompts = 1000, num_warmups = 0;
  std::optional<std::int64_t> max_concurrency;
  double request_rate = std::numeric_limits<double>::infinity();
  double burstiness = 1.0;
  bool ignore_eos = false, use_chat_template = false;
  std::uint64_t seed = 0;
  std::optional<std::int64_t> best_of, logprobs;
  std::string extra_body;  // a JSON object to merge into each request
  PromptFormat prompt_format = PromptFormat::Auto;
  std::int64_t token_id_min = 1000, token_id_max = 31'999;  // ordinary tokens in all common vocabularies

  // The result.
  std::vector<std::string> goodput;   // NAME:MILLISECONDS
  std::vector<std::string> metadata;  // KEY=VALUE
  std::string percentile_metrics = "ttft,tpot,itl,e2el", metric_percentiles = "90,99,99.9";
  bool save_result = false, save_detailed = false;
  std::string result_dir, result_filename;

  // Options that benchmark_serving does not have. Times in seconds, except for the bound.
  std::int64_t threads = 0;  // 0: one per core
  double ready_timeout = 0;  // for a server that is still loading
  double connect_timeout = 30, stall_timeout = 600, request_timeout = 6 * 60 * 60;
  double lag_bound_ms = 10;
  bool quiet = false;  // no progress output
};

/// One limit of --goodput: a request is good if its `metric` is at most `limit` seconds.
struct Objective {
  std::string metric;
  double limit = 0;
};

/// Checked options, in the form that the rest of the client uses.
struct Setup {
  Options options;
  Api api = Api::Completions;
  std::string host, port, path;      // where requests go
  std::string host_header;           // "name:8000", "[::1]:8000"
  std::vector<std::string> metrics;  // from --percentile-metrics, in the result's order
  std::vector<std::pair<std::string, double>> percentiles;    // "p99.9" and 99.9
  std::vector<Objective> objectives;                          // from --goodput
  std::vector<std::pair<std::string, std::string>> metadata;  // from --metadata
  nlohmann::ordered_json extra_body = nlohmann::ordered_json::object();
  std::vector<std::string> notes;  // messages to the user about how an option was interpreted
};

/// Fails with a one-line message that names the option, its value and the remedy.
Expected<Setup> check_options(Options options);

/// Returns the maximum number of concurrent requests, given that there are `requests` in total.
std::size_t max_concurrent(const Options& options, std::size_t requests);

}  // namespace sweep::client
