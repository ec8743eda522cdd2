#include "benchmarks/sweep-bench/cli/command_line.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "benchmarks/sweep-bench/cli/refused_options.hpp"
#include "util/command_line.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr int kUsage = 2;

constexpr const char* kDescription =
    "Measures an OpenAI-compatible server (vLLM, SGLang, TensorRT-LLM): sends requests with random tokens, "
    "reads the streamed responses, and reports throughput, TTFT, TPOT, ITL and E2EL. Options, definitions "
    "and result file are those of vLLM's benchmark_serving, as InferenceMAX's scripts use it, so only the "
    "name of the program has to be changed in a script. Options may be abbreviated and written with '_' for "
    "'-'; if one is given twice, the last value counts. Options of benchmark_serving that would change what "
    "is measured and that sweep-bench does not have are refused by name.\n\n"
    "Prompts are token ids of exact length, so no tokenizer is needed. Output tokens are counted from the "
    "usage that the server reports. Only --max-concurrency limits the number of connections. The client "
    "measures its own lag, and marks the result as client-bound if the client, not the server, limited the "
    "run.";

constexpr const char* kClosing = R"(Exit status:
  0    the run completed, and its result was written if requested
  1    more than 5 % of the requests failed (the result is still written),
       the test run failed, or the result cannot be written (its directory is
       checked before anything is sent)
  2    invalid command line
  130  interrupted by SIGINT (143: by SIGTERM); no result is written

Environment:
  OPENAI_API_KEY  sent as a bearer token, if set

Examples:
  A point as InferenceMAX's scripts measure it:
    sweep-bench --model "$MODEL" --base-url "http://127.0.0.1:$PORT" \
      --dataset-name random --random-input-len 1024 --random-output-len 1024 \
      --random-range-ratio 0.8 --num-prompts 640 --max-concurrency 64 \
      --request-rate inf --ignore-eos --save-result \
      --percentile-metrics ttft,tpot,itl,e2el --result-filename result.json
  Ten random arrivals per second, goodput limits 500 ms TTFT and 50 ms TPOT:
    sweep-bench --model m --port 8000 --request-rate 10 \
      --goodput ttft:500 tpot:50
)";

/// Options that are parsed further below, and options that are accepted and ignored.
struct RawOptions {
  std::string rate = "inf", format = "auto", ignored;
  bool ignored_flag = false;
  std::int64_t ignored_count = 0;
};

void add_server_options(CommandLine& app, Options& o, RawOptions& raw) {
  app.option("--model", o.model, "name of the model on the server").usage("NAME");
  app.option("--backend", o.backend,
             "kind of server: vllm, sglang, trtllm, openai or openai-chat; all use the OpenAI API")
      .usage("KIND");
  app.option("--base-url", o.base_url, "address of the server: http://HOST:PORT").usage("URL").not_empty();
  app.option("--host", o.host, "host of the server, without --base-url (default: 127.0.0.1)")
      .usage("HOST")
      .not_empty();
  app.option("--port", o.port, "port of the server, without --base-url (default: 8000)").usage("PORT");
  app.option("--endpoint", o.endpoint, "path: /v1/completions (the default) or /v1/chat/completions")
      .usage("PATH")
      .not_empty();
  app.option("--served-model-name", o.served_model_name, "model name to send, if it differs from --model")
      .usage("NAME");
  app.option("--extra-body", o.extra_body, "JSON object to merge into each request").usage("JSON");
  app.flag("--use-chat-template", o.use_chat_template, "same as --endpoint /v1/chat/completions");
  app.option("--tokenizer", o.tokenizer, "value of tokenizer_id in the result; no tokenizer is used")
      .usage("NAME");
  app.option("--tokenizer-mode", raw.ignored, "accepted and ignored: no tokenizer is used").usage("MODE");
  app.flag("--trust-remote-code", raw.ignored_flag, "accepted and ignored: no tokenizer is used");
}

void add_load_options(CommandLine& app, Options& o, RawOptions& raw) {
  app.option("--dataset-name", o.dataset_name, "only random").usage("NAME");
  app.option("--random-input-len", o.input_len, "longest prompt, in tokens (default: 1024)").usage("N");
  app.option("--random-output-len", o.output_len, "longest response, in tokens (default: 128)").usage("N");
  app.option("--random-range-ratio", o.range_ratio,
             "shortest prompt and response as a fraction of the longest, 0 to 1; lengths are uniformly "
             "distributed between the two (default: 1)")
      .usage("R");
  app.option("--random-prefix-len", o.prefix_len, "number of tokens that all prompts begin with (default: 0)")
      .usage("N");
  app.option("--random-num-workers", raw.ignored_count, "accepted and ignored").usage("N");
  app.option("--num-prompts", o.num_prompts, "number of measured requests (default: 1000)").usage("N");
  app.option("--num-warmups", o.num_warmups, "number of requests before them, not measured (default: 0)")
      .usage("N");
  app.option("--max-concurrency", o.max_concurrency,
             "maximum number of concurrent requests (default: no limit)")
      .usage("N");
  app.option("--request-rate", raw.rate, "arrivals per second; inf: all at once (default: inf)")
      .usage("RATE");
  app.option("--burstiness", o.burstiness,
             "shape of the gamma distribution of the gaps between arrivals; 1: Poisson (default: 1)")
      .usage("B");
  app.flag("--ignore-eos", o.ignore_eos, "request the full length even if the model ends earlier");
  app.option("--seed", o.seed, "seed for lengths, prompts and arrivals (default: 0)").usage("N");
  app.option("--best-of", o.best_of, "sent as best_of").usage("N");
  app.option("--logprobs", o.logprobs, "sent as logprobs").usage("N");
  app.option("--prompt-format", raw.format,
             "ids, text, or auto: ids, or text if the server does not accept ids (default: auto)")
      .usage("FORMAT");
  app.option("--token-id-min", o.token_id_min, "smallest token id in prompts (default: 1000)").usage("N");
  app.option("--token-id-max", o.token_id_max, "largest token id in prompts (default: 31999)").usage("N");
}

void add_result_options(CommandLine& app, Options& o) {
  app.flag("--save-result", o.save_result, "write the result file");
  app.flag(
      "--save-detailed", o.save_detailed,
      "write it with the times, texts and errors of each request, and the server's own times if the server "
      "stamps its events");
  app.option("--result-dir", o.result_dir, "directory of the result file (default: the working directory)")
      .usage("DIR");
  app.option(
         "--result-filename", o.result_filename,
         "name of the result file (default: made from backend, rate, model and date); links are followed, "
         "and a device, a FIFO or /dev/stdout is written to")
      .usage("NAME");
  app.option("--metadata", o.metadata, "keys and values to add to the result")
      .usage("KEY=VALUE...")
      .repeatable();
  app.option("--percentile-metrics", o.percentile_metrics,
             "which of ttft,tpot,itl,e2el to report (default: all)")
      .usage("NAMES");
  app.option("--metric-percentiles", o.metric_percentiles,
             "which percentiles to report (default: 90,99,99.9)")
      .usage("LIST");
  app.option("--goodput", o.goodput, "limits in ms that a request must meet to count as good")
      .usage("METRIC:MS...")
      .repeatable();
}

void add_client_options(CommandLine& app, Options& o) {
  app.option("--ready-timeout,--ready-check-timeout-sec", o.ready_timeout,
             "time to wait for a server that is still loading (connection refused, status 503), in seconds "
             "(default: 0, do not wait)")
      .usage("S");
  app.option("--threads", o.threads, "number of threads that send and read (default: one per core)")
      .usage("N");
  app.option("--connect-timeout", o.connect_timeout, "time limit for a connection, in seconds (default: 30)")
      .usage("S");
  app.option("--stall-timeout", o.stall_timeout,
             "seconds without a byte after which a request has stalled (default: 600)")
      .usage("S");
  app.option("--request-timeout", o.request_timeout,
             "time limit for a whole request, in seconds (default: 21600)")
      .usage("S");
  app.option("--lag-bound-ms", o.lag_bound_ms,
             "lag of the client above which the result is marked as client-bound (default: 10)")
      .usage("MS");
  app.flag("--disable-tqdm,--quiet", o.quiet, "show no progress");
}

Expected<void> read_raw_options(const RawOptions& raw, Options& o) {
  if (raw.rate == "inf" || raw.rate == "Inf" || raw.rate == "infinity") {
    o.request_rate = std::numeric_limits<double>::infinity();
  } else {
    char* end = nullptr;
    o.request_rate = std::strtod(raw.rate.c_str(), &end);
    if (raw.rate.empty() || *end != '\0')
      return fail("--request-rate '" + printable(raw.rate) +
                  "' is not a number; give requests per second, or inf");
  }
  if (raw.format == "ids") {
    o.prompt_format = PromptFormat::Ids;
  } else if (raw.format == "text") {
    o.prompt_format = PromptFormat::Text;
  } else if (raw.format != "auto") {
    return fail("unknown --prompt-format '" + printable(raw.format) + "'; give ids, text or auto");
  }
  if (const char* key = std::getenv("OPENAI_API_KEY")) o.api_key = key;
  return {};
}

}  // namespace

void print_error(const std::string& text) {
  std::fprintf(stderr, "sweep-bench: %s\n", text.c_str());
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
  CommandLine app("sweep-bench", kDescription, kClosing);
  app.like_argparse();
  Options options;
  RawOptions raw;
  add_server_options(app, options, raw);
  add_load_options(app, options, raw);
  add_result_options(app, options);
  add_client_options(app, options);
  app.version_flag(SWEEP_VERSION);
  for (const RefusedOption& option : refused_options())
    app.refuse(std::string(option.name), std::string(option.reason));
  if (const auto status = app.parse(arguments)) return {std::nullopt, *status};
  const auto wrong = [](const Error& error) {
    print_error(error.message + "; see sweep-bench --help");
    return Invocation{std::nullopt, kUsage};
  };
  if (const auto good = read_raw_options(raw, options); !good) return wrong(good.error());
  auto setup = check_options(std::move(options));
  if (!setup) return wrong(setup.error());
  return {std::move(*setup), 0};
}

}  // namespace sweep::client
