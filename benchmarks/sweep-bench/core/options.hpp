// What a run of sweep-bench was asked to do: the options of vLLM's benchmark_serving that InferenceMAX's
// scripts use, spelled and meant as there, and a few of our own. Pure.
//
// Rule: whatever check_options lets through can be carried out without another look at it.
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
/// How prompts travel. Auto: as token ids where the endpoint takes them (completions), else as text.
enum class PromptFormat { Auto, Ids, Text };

struct Options {
  // The server.
  std::string backend = "vllm";  // kept for the result; all of kBackends speak the OpenAI API
  std::string base_url;          // empty: http://host:port
  std::string host = "127.0.0.1";
  int port = 8000;
  std::string endpoint;  // empty: as api says
  std::string model, served_model_name, tokenizer;
  std::string api_key;  // sent as a bearer token; empty: none

  // The load. Lengths in tokens, rates in requests a second.
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
  std::string extra_body;  // a JSON object, merged into each request
  PromptFormat prompt_format = PromptFormat::Auto;
  std::int64_t token_id_min = 1000, token_id_max = 31'999;  // ordinary tokens in every common vocabulary

  // The result.
  std::vector<std::string> goodput;   // NAME:MILLISECONDS
  std::vector<std::string> metadata;  // KEY=VALUE
  std::string percentile_metrics = "ttft,tpot,itl,e2el", metric_percentiles = "90,99,99.9";
  bool save_result = false, save_detailed = false;
  std::string result_dir, result_filename;

  // Our own. Seconds, but for the bound.
  std::int64_t threads = 0;  // 0: one per core
  double connect_timeout = 30, stall_timeout = 600, request_timeout = 6 * 60 * 60;
  double lag_bound_ms = 10;
  bool quiet = false;  // no progress
};

/// One limit of --goodput: a request is good when its `metric` takes at most `limit` seconds.
struct Objective {
  std::string metric;
  double limit = 0;
};

/// Options as the rest of the client wants them.
struct Setup {
  Options options;
  Api api = Api::Completions;
  std::string host, port, path;                             // where requests go
  std::string host_header;                                  // "name:8000", "[::1]:8000"
  std::vector<std::string> metrics;                         // of --percentile-metrics, in the result's order
  std::vector<std::pair<std::string, double>> percentiles;  // "p99.9" and 99.9
  std::vector<Objective> objectives;                        // of --goodput
  std::vector<std::pair<std::string, std::string>> metadata;  // of --metadata
  nlohmann::ordered_json extra_body = nlohmann::ordered_json::object();
  std::vector<std::string> notes;  // what was made of an option, for people
};

/// Fails with one line that names option, value and remedy.
Expected<Setup> check_options(Options options);

/// How many requests may be on their way at once.
std::size_t slots_of(const Options& options, std::size_t requests);

}  // namespace sweep::client
