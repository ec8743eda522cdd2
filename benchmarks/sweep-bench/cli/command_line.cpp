#include "benchmarks/sweep-bench/cli/command_line.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "controller/cli/help.hpp"
#include "proto/base/text.hpp"

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
  bool version = false, flag = false;
  long workers = 0;
};

void add_server(CLI::App& app, Options& o, Words& words) {
  app.add_option("--model", o.model, "name of the model, as the server knows it")->option_text("NAME");
  app.add_option("--backend", o.backend,
                 "kind of server: vllm, sglang, trtllm, openai, or openai-chat; all speak the OpenAI API")
      ->option_text("KIND");
  app.add_option("--base-url", o.base_url, "address of the server: http://HOST:PORT")->option_text("URL");
  app.add_option("--host", o.host, "its host, without --base-url (default: 127.0.0.1)")->option_text("HOST");
  app.add_option("--port", o.port, "its port, without --base-url (default: 8000)")->option_text("PORT");
  app.add_option("--endpoint", o.endpoint, "path: /v1/completions (the default) or /v1/chat/completions")
      ->option_text("PATH");
  app.add_option("--served-model-name", o.served_model_name, "name to ask for, where it is not --model")
      ->option_text("NAME");
  app.add_option("--extra-body", o.extra_body, "JSON object that is merged into each request")
      ->option_text("JSON");
  app.add_flag("--use-chat-template", o.use_chat_template, "the same as --endpoint /v1/chat/completions");
  app.add_option("--tokenizer", o.tokenizer, "taken for the result's tokenizer_id; no tokenizer is needed")
      ->option_text("NAME");
  for (const char* name : {"--tokenizer-mode"})
    app.add_option(name, words.ignored, "taken and not used: there is no tokenizer")->option_text("MODE");
  app.add_flag("--trust-remote-code", words.flag, "taken and not used: there is no tokenizer");
}

void add_load(CLI::App& app, Options& o, Words& words) {
  app.add_option("--dataset-name", o.dataset_name, "only random")->option_text("NAME");
  app.add_option("--random-input-len", o.input_len, "longest prompt, in tokens (default: 1024)")
      ->option_text("N");
  app.add_option("--random-output-len", o.output_len, "longest answer, in tokens (default: 128)")
      ->option_text("N");
  app.add_option(
         "--random-range-ratio", o.range_ratio,
         "shortest prompt and answer as a part of the longest, 0 to 1; lengths between are equally likely "
         "(default: 1)")
      ->option_text("R");
  app.add_option("--random-prefix-len", o.prefix_len, "tokens that all prompts begin with (default: 0)")
      ->option_text("N");
  app.add_option("--random-num-workers", words.workers, "taken and not used")->option_text("N");
  app.add_option("--num-prompts", o.num_prompts, "how many requests (default: 1000)")->option_text("N");
  app.add_option("--num-warmups", o.num_warmups, "how many before them that are not measured (default: 0)")
      ->option_text("N");
  app.add_option("--max-concurrency", o.max_concurrency, "at most so many at once (default: no limit)")
      ->option_text("N");
  app.add_option("--request-rate", words.rate, "arrivals a second; inf: all at once (default: inf)")
      ->option_text("RATE");
  app.add_option("--burstiness", o.burstiness,
                 "shape of the gamma distribution of the gaps between arrivals; 1: Poisson (default: 1)")
      ->option_text("B");
  app.add_flag("--ignore-eos", o.ignore_eos, "ask for full length, whatever the model says");
  app.add_option("--seed", o.seed, "for lengths, prompts and arrivals (default: 0)")->option_text("N");
  app.add_option("--best-of", o.best_of, "sent as best_of")->option_text("N");
  app.add_option("--logprobs", o.logprobs, "sent as logprobs")->option_text("N");
  app.add_option("--prompt-format", words.format,
                 "ids, text, or auto: ids, and text where the server does not take them (default: auto)")
      ->option_text("FORMAT");
  app.add_option("--token-id-min", o.token_id_min, "smallest id in prompts (default: 1000)")
      ->option_text("N");
  app.add_option("--token-id-max", o.token_id_max, "largest id in prompts (default: 31999)")
      ->option_text("N");
}

void add_result(CLI::App& app, Options& o) {
  app.add_flag("--save-result", o.save_result, "write the result file");
  app.add_flag("--save-detailed", o.save_detailed,
               "with the times, texts and errors of each request, and the server's own times where it stamps "
               "its events");
  app.add_option("--result-dir", o.result_dir, "its folder (default: here)")->option_text("DIR");
  app.add_option("--result-filename", o.result_filename,
                 "its name (default: made of backend, rate, model and date)")
      ->option_text("NAME");
  app.add_option("--metadata", o.metadata, "keys and values to put into it")
      ->option_text("KEY=VALUE...")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--percentile-metrics", o.percentile_metrics,
                 "which of ttft,tpot,itl,e2el to report (default: all)")
      ->option_text("NAMES");
  app.add_option("--metric-percentiles", o.metric_percentiles, "which percentiles (default: 90,99,99.9)")
      ->option_text("LIST");
  app.add_option("--goodput", o.goodput, "limits in ms that a request must keep to count as good")
      ->option_text("METRIC:MS...")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_own(CLI::App& app, Options& o, Words& words) {
  app.add_option("--threads", o.threads, "threads that send and read (default: one per core)")
      ->option_text("N");
  app.add_option("--connect-timeout", o.connect_timeout, "seconds for a connection (default: 30)")
      ->option_text("S");
  app.add_option("--stall-timeout", o.stall_timeout,
                 "seconds without a byte after which a request has stalled "
                 "(default: 600)")
      ->option_text("S");
  app.add_option("--request-timeout", o.request_timeout, "seconds for all of a request (default: 21600)")
      ->option_text("S");
  app.add_option("--lag-bound-ms", o.lag_bound_ms,
                 "lag of the client's own from which the result says client-bound (default: 10)")
      ->option_text("MS");
  app.add_flag("--disable-tqdm,--quiet", o.quiet, "no progress");
  app.add_flag("-V,--version", words.version, "show the version and exit");
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

int usage(const std::string& what) {
  say(what + " (sweep-bench --help tells more)");
  return kUsage;
}

}  // namespace

void say(const std::string& text) {
  std::fprintf(stderr, "sweep-bench: %s\n", text.c_str());
}

CommandLine read_command_line(const std::vector<std::string>& arguments) {
  CLI::App app(kDescription, "sweep-bench");
  app.formatter(std::make_shared<cli::HelpFormatter>());
  app.set_help_flag("-h,--help", "show this help and exit");
  app.footer(kClosing);
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);  // as argparse does
  Options options;
  Words words;
  add_server(app, options, words);
  add_load(app, options, words);
  add_result(app, options);
  add_own(app, options, words);
  try {
    auto reversed = arguments;
    std::reverse(reversed.begin(), reversed.end());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return {std::nullopt, 0};
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, usage(error.what())};
  }
  if (words.version) {
    std::puts("sweep-bench " SWEEP_VERSION);
    return {std::nullopt, 0};
  }
  if (const auto good = take_words(words, options); !good) return {std::nullopt, usage(good.error().message)};
  auto setup = check_options(std::move(options));
  if (!setup) return {std::nullopt, usage(setup.error().message)};
  return {std::move(*setup), 0};
}

}  // namespace sweep::client
