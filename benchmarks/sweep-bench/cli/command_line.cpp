#include "benchmarks/sweep-bench/cli/command_line.hpp"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "util/command_line.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::client {

namespace {

constexpr int kUsage = 2;

constexpr const char* kDescription =
    "Measures an OpenAI-compatible server (vLLM, SGLang, TensorRT-LLM): sends requests of random tokens, "
    "reads the "
    "streamed answers, and reports throughput, TTFT, TPOT, ITL and E2EL. Options, definitions and result "
    "file are those of "
    "vLLM's benchmark_serving, as InferenceMAX's scripts use it, so that a script needs one word changed.\n\n"
    "Prompts are token ids of exact length, so no tokenizer is needed; output tokens are counted by the "
    "server's usage. "
    "There is no limit on connections but --max-concurrency. The client measures its own lag and says in the "
    "result when "
    "it, and not the server, was what limited the run.";

constexpr const char* kClosing = R"(Exit status:
  0    the run is complete, and its result written where one was asked for
  1    more than 5 % of the requests failed (the result is written all the
       same), the test run failed, or the result could not be written
  2    wrong usage
  130  ended by SIGINT, 143 by SIGTERM; no result is written

Environment:
  OPENAI_API_KEY  sent as a bearer token, where it is set

Examples:
  A point as InferenceMAX's scripts measure it:
    sweep-bench --model "$MODEL" --base-url "http://127.0.0.1:$PORT" \
      --dataset-name random --random-input-len 1024 --random-output-len 1024 \
      --random-range-ratio 0.8 --num-prompts 640 --max-concurrency 64 \
      --request-rate inf --ignore-eos --save-result \
      --percentile-metrics ttft,tpot,itl,e2el --result-filename result.json
  Requests that arrive at random, ten a second, and how many are answered
  within 500 ms and 50 ms a token:
    sweep-bench --model m --port 8000 --request-rate 10 \
      --goodput ttft:500 tpot:50
)";

/// What is taken as text or only taken.
struct Words {
  std::string rate = "inf", format = "auto", ignored;
  bool flag = false;
  std::int64_t workers = 0;
};

void add_server(CommandLine& app, Options& o, Words& words) {
  app.option("--model", o.model, "name of the model, as the server knows it").usage("NAME");
  app.option("--backend", o.backend,
             "kind of server: vllm, sglang, trtllm, openai, or openai-chat; all speak the OpenAI API")
      .usage("KIND");
  app.option("--base-url", o.base_url, "address of the server: http://HOST:PORT").usage("URL");
  app.option("--host", o.host, "its host, without --base-url (default: 127.0.0.1)").usage("HOST");
  app.option("--port", o.port, "its port, without --base-url (default: 8000)").usage("PORT");
  app.option("--endpoint", o.endpoint, "path: /v1/completions (the default) or /v1/chat/completions")
      .usage("PATH");
  app.option("--served-model-name", o.served_model_name, "name to ask for, where it is not --model")
      .usage("NAME");
  app.option("--extra-body", o.extra_body, "JSON object that is merged into each request").usage("JSON");
  app.flag("--use-chat-template", o.use_chat_template, "the same as --endpoint /v1/chat/completions");
  app.option("--tokenizer", o.tokenizer, "taken for the result's tokenizer_id; no tokenizer is needed")
      .usage("NAME");
  for (const char* name : {"--tokenizer-mode"})
    app.option(name, words.ignored, "taken and not used: there is no tokenizer").usage("MODE");
  app.flag("--trust-remote-code", words.flag, "taken and not used: there is no tokenizer");
}

void add_load(CommandLine& app, Options& o, Words& words) {
  app.option("--dataset-name", o.dataset_name, "only random").usage("NAME");
  app.option("--random-input-len", o.input_len, "longest prompt, in tokens (default: 1024)").usage("N");
  app.option("--random-output-len", o.output_len, "longest answer, in tokens (default: 128)").usage("N");
  app.option(
         "--random-range-ratio", o.range_ratio,
         "shortest prompt and answer as a part of the longest, 0 to 1; lengths between are equally likely "
         "(default: 1)")
      .usage("R");
  app.option("--random-prefix-len", o.prefix_len, "tokens that all prompts begin with (default: 0)")
      .usage("N");
  app.option("--random-num-workers", words.workers, "taken and not used").usage("N");
  app.option("--num-prompts", o.num_prompts, "how many requests (default: 1000)").usage("N");
  app.option("--num-warmups", o.num_warmups, "how many before them that are not measured (default: 0)")
      .usage("N");
  app.option("--max-concurrency", o.max_concurrency, "at most so many at once (default: no limit)")
      .usage("N");
  app.option("--request-rate", words.rate, "arrivals a second; inf: all at once (default: inf)")
      .usage("RATE");
  app.option("--burstiness", o.burstiness,
             "shape of the gamma distribution of the gaps between arrivals; 1: Poisson (default: 1)")
      .usage("B");
  app.flag("--ignore-eos", o.ignore_eos, "ask for full length, whatever the model says");
  app.option("--seed", o.seed, "for lengths, prompts and arrivals (default: 0)").usage("N");
  app.option("--best-of", o.best_of, "sent as best_of").usage("N");
  app.option("--logprobs", o.logprobs, "sent as logprobs").usage("N");
  app.option("--prompt-format", words.format,
             "ids, text, or auto: ids, and text where the server does not take them (default: auto)")
      .usage("FORMAT");
  app.option("--token-id-min", o.token_id_min, "smallest id in prompts (default: 1000)").usage("N");
  app.option("--token-id-max", o.token_id_max, "largest id in prompts (default: 31999)").usage("N");
}

void add_result(CommandLine& app, Options& o) {
  app.flag("--save-result", o.save_result, "write the result file");
  app.flag("--save-detailed", o.save_detailed,
           "with the times, texts and errors of each request, and the server's own times where it stamps "
           "its events");
  app.option("--result-dir", o.result_dir, "its folder (default: here)").usage("DIR");
  app.option("--result-filename", o.result_filename,
             "its name (default: made of backend, rate, model and date)")
      .usage("NAME");
  app.option("--metadata", o.metadata, "keys and values to put into it").usage("KEY=VALUE...").repeatable();
  app.option("--percentile-metrics", o.percentile_metrics,
             "which of ttft,tpot,itl,e2el to report (default: all)")
      .usage("NAMES");
  app.option("--metric-percentiles", o.metric_percentiles, "which percentiles (default: 90,99,99.9)")
      .usage("LIST");
  app.option("--goodput", o.goodput, "limits in ms that a request must keep to count as good")
      .usage("METRIC:MS...")
      .repeatable();
}

void add_own(CommandLine& app, Options& o, Words& words) {
  app.option("--threads", o.threads, "threads that send and read (default: one per core)").usage("N");
  app.option("--connect-timeout", o.connect_timeout, "seconds for a connection (default: 30)").usage("S");
  app.option("--stall-timeout", o.stall_timeout,
             "seconds without a byte after which a request has stalled "
             "(default: 600)")
      .usage("S");
  app.option("--request-timeout", o.request_timeout, "seconds for all of a request (default: 21600)")
      .usage("S");
  app.option("--lag-bound-ms", o.lag_bound_ms,
             "lag of the client's own from which the result says client-bound (default: 10)")
      .usage("MS");
  app.flag("--disable-tqdm,--quiet", o.quiet, "no progress");
}

Expected<void> take_words(const Words& words, Options& o) {
  if (words.rate == "inf" || words.rate == "Inf" || words.rate == "infinity") {
    o.request_rate = std::numeric_limits<double>::infinity();
  } else {
    char* end = nullptr;
    o.request_rate = std::strtod(words.rate.c_str(), &end);
    if (words.rate.empty() || *end != '\0')
      return fail("--request-rate '" + printable(words.rate) + "': give requests a second, or inf");
  }
  if (words.format == "ids") {
    o.prompt_format = PromptFormat::Ids;
  } else if (words.format == "text") {
    o.prompt_format = PromptFormat::Text;
  } else if (words.format != "auto") {
    return fail("--prompt-format '" + printable(words.format) + "': give ids, text or auto");
  }
  if (const char* key = std::getenv("OPENAI_API_KEY")) o.api_key = key;
  return {};
}

}  // namespace

void say(const std::string& text) {
  std::fprintf(stderr, "sweep-bench: %s\n", text.c_str());
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
  CommandLine app("sweep-bench", kDescription, kClosing);
  app.last_value_wins();
  Options options;
  Words words;
  add_server(app, options, words);
  add_load(app, options, words);
  add_result(app, options);
  add_own(app, options, words);
  app.version_flag(SWEEP_VERSION);
  if (const auto status = app.parse(arguments)) return {std::nullopt, *status};
  const auto wrong = [](const Error& error) {
    say(error.message + "; see sweep-bench --help");
    return Invocation{std::nullopt, kUsage};
  };
  if (const auto good = take_words(words, options); !good) return wrong(good.error());
  auto setup = check_options(std::move(options));
  if (!setup) return wrong(setup.error());
  return {std::move(*setup), 0};
}

}  // namespace sweep::client
