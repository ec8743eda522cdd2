#include "benchmarks/sweep-bench/core/options.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

#include "benchmarks/sweep-bench/core/url.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr std::array<std::string_view, 7> kBackends = {"vllm",   "openai",          "openai-chat", "sglang",
                                                       "trtllm", "sglang-oai-chat", "sglang-oai"};
constexpr std::array<std::string_view, 4> kMetrics = {"ttft", "tpot", "itl", "e2el"};
constexpr std::string_view kCompletions = "/v1/completions", kChat = "/v1/chat/completions";
constexpr std::int64_t kMaxTokens = 16'777'216, kMaxRequests = 10'000'000, kMaxConcurrency = 1'000'000;

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Expected<void> in_range(std::string_view option, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return {};
  return fail(std::string(option) + " " + std::to_string(value) + " is out of range; give a number from " +
              std::to_string(least) + " to " + std::to_string(most));
}

Expected<void> check_numbers(const Options& o) {
  struct Range {
    std::string_view option;
    std::int64_t value, least, most;
  };
  const std::array<Range, 10> ranges = {{
      {"--port", o.port, 1, 65'535},
      {"--random-input-len", o.input_len, 1, kMaxTokens},
      {"--random-output-len", o.output_len, 1, kMaxTokens},
      {"--random-prefix-len", o.prefix_len, 0, kMaxTokens},
      {"--num-prompts", o.num_prompts, 1, kMaxRequests},
      {"--num-warmups", o.num_warmups, 0, kMaxRequests},
      {"--max-concurrency", o.max_concurrency.value_or(1), 1, kMaxConcurrency},
      {"--threads", o.threads, 0, 1024},
      {"--token-id-min", o.token_id_min, 0, kMaxTokens},
      {"--token-id-max", o.token_id_max, 0, kMaxTokens},
  }};
  for (const Range& range : ranges) {
    SWEEP_TRY(in_range(range.option, range.value, range.least, range.most));
  }
  if (o.token_id_max - o.token_id_min < 15)
    return fail("--token-id-max " + std::to_string(o.token_id_max) +
                " is too small: at least 16 token ids are needed; "
                "give " +
                std::to_string(o.token_id_min + 15) + " or more, or a smaller --token-id-min");
  if (!(o.range_ratio >= 0 && o.range_ratio <= 1))
    return fail("--random-range-ratio " + std::to_string(o.range_ratio) +
                " is out of range; give a number from 0 to 1");
  if (!(o.request_rate > 0))
    return fail("--request-rate " + std::to_string(o.request_rate) +
                " is out of range; give requests per second, or inf");
  if (!(o.burstiness > 0 && std::isfinite(o.burstiness)))
    return fail("--burstiness " + std::to_string(o.burstiness) + " is out of range; give a number above 0");
  for (const auto& [option, value] :
       {std::pair<std::string_view, double>{"--connect-timeout", o.connect_timeout},
        {"--stall-timeout", o.stall_timeout},
        {"--request-timeout", o.request_timeout},
        {"--lag-bound-ms", o.lag_bound_ms}}) {
    if (!(value > 0 && value <= 1e7))
      return fail(std::string(option) + " " + std::to_string(value) +
                  " is out of range; give a number above 0 and up to 1e7");
  }
  if (!(o.ready_timeout >= 0 && o.ready_timeout <= 1e7))
    return fail("--ready-timeout " + std::to_string(o.ready_timeout) +
                " is out of range; give a number from 0 to 1e7");
  return {};
}

Expected<void> parse_lists(const Options& o, Setup& setup) {
  for (const std::string& raw : split(o.percentile_metrics, ',')) {
    const std::string name(trimmed(raw));
    if (std::find(kMetrics.begin(), kMetrics.end(), name) == kMetrics.end())
      return fail("unknown metric '" + printable(name) +
                  "' in --percentile-metrics; give one or more of ttft,tpot,itl,e2el");
    setup.metrics.push_back(name);
  }
  for (const std::string& raw : split(o.metric_percentiles, ',')) {
    const std::string text(trimmed(raw));
    const auto value = number(text);
    if (!value || *value < 0 || *value > 100)
      return fail("invalid percentile '" + printable(text) +
                  "' in --metric-percentiles; give numbers from 0 to 100, such as 90,99,99.9");
    char name[40];
    const auto end = std::to_chars(name, name + sizeof name, *value).ptr;  // 99, 99.9
    setup.percentiles.emplace_back("p" + std::string(name, end), *value);
  }
  for (const std::string& pair : o.goodput) {
    const std::size_t colon = std::min(pair.find(':'), pair.size());
    const std::string name = pair.substr(0, colon);
    const double limit = number(std::string_view(pair).substr(std::min(colon + 1, pair.size()))).value_or(-1);
    if ((name != "ttft" && name != "tpot" && name != "e2el") || limit < 0)
      return fail("invalid --goodput '" + printable(pair) +
                  "'; give ttft:MS, tpot:MS or e2el:MS, such as ttft:500");
    setup.objectives.push_back({name, limit / 1000});
  }
  for (const std::string& pair : o.metadata) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || trimmed(pair.substr(0, equals)).empty())
      return fail("invalid --metadata '" + printable(pair) + "'; give KEY=VALUE");
    setup.metadata.emplace_back(trimmed(pair.substr(0, equals)), trimmed(pair.substr(equals + 1)));
  }
  return {};
}

Expected<void> parse_address(const Options& o, Setup& setup) {
  const std::string base =
      o.base_url.empty() ? "http://" + (o.host.find(':') == std::string::npos ? o.host : "[" + o.host + "]") +
                               ":" + std::to_string(o.port)
                         : o.base_url;
  SWEEP_ASSIGN(auto url, parse_url(base));
  const bool chat_requested =
      o.backend == "openai-chat" || o.backend == "sglang-oai-chat" || o.use_chat_template;
  std::string endpoint = o.endpoint;
  if (endpoint.empty() || (o.use_chat_template && endpoint == kCompletions)) {
    endpoint = chat_requested ? kChat : kCompletions;
    if (o.use_chat_template)
      setup.notes.emplace_back("--use-chat-template: sweep-bench has no tokenizer, so it sends requests to " +
                               endpoint + " and the server applies its own template");
  }
  if (!endpoint.starts_with('/') || endpoint.find_first_of(" \t\r\n") != std::string::npos)
    return fail("invalid --endpoint '" + printable(endpoint) + "'; give a path such as " +
                std::string(kCompletions));
  if (endpoint.ends_with("chat/completions")) {
    setup.api = Api::Chat;
  } else if (!endpoint.ends_with("completions")) {
    return fail("unsupported --endpoint '" + printable(endpoint) +
                "'; give a path that ends in completions or chat/completions");
  } else if (chat_requested) {
    return fail("--endpoint '" + printable(endpoint) + "' is not a chat endpoint, but --backend or " +
                "--use-chat-template requests chat; give " + std::string(kChat));
  }
  setup.host = url.host;
  setup.port = url.port;
  setup.host_header = url.host_header;
  setup.path = url.path + endpoint;
  return {};
}

}  // namespace

Expected<Setup> check_options(Options options) {
  const Options& o = options;
  Setup setup;
  if (o.model.empty()) return fail("--model is missing; give the name of the model on the server");
  if (std::find(kBackends.begin(), kBackends.end(), o.backend) == kBackends.end()) {
    const std::vector<std::string> known(kBackends.begin(), kBackends.end());
    return fail("unknown --backend '" + printable(o.backend) + "'; give one of " + join(known, ", "));
  }
  if (o.dataset_name != "random")
    return fail("unsupported --dataset-name '" + printable(o.dataset_name) + "'; give random");
  SWEEP_TRY(check_numbers(o));
  SWEEP_TRY(parse_lists(o, setup));
  SWEEP_TRY(parse_address(o, setup));
  if (setup.api == Api::Chat && o.prompt_format == PromptFormat::Ids)
    return fail("--prompt-format ids is not possible for chat, whose messages are text; use --endpoint " +
                std::string(kCompletions));
  if (o.api_key.find_first_of("\r\n") != std::string::npos)
    return fail("OPENAI_API_KEY contains a line break; set it again without one");
  if (!o.extra_body.empty()) {
    setup.extra_body = nlohmann::ordered_json::parse(o.extra_body, nullptr, false);
    if (!setup.extra_body.is_object())
      return fail("--extra-body '" + printable(clipped(o.extra_body, 60)) + "' is not a JSON object");
  }
  if (o.result_filename.find('\0') != std::string::npos)
    return fail("--result-filename contains a zero byte");
  if (!o.result_filename.empty() && !o.save_result && !o.save_detailed)
    setup.notes.emplace_back("--result-filename without --save-result: no result will be written");
  setup.options = std::move(options);
  return setup;
}

std::size_t max_concurrent(const Options& options, std::size_t requests) {
  const auto requested = static_cast<std::size_t>(options.max_concurrency.value_or(kMaxConcurrency));
  return std::min(requested, requests);
}

}  // namespace sweep::client
