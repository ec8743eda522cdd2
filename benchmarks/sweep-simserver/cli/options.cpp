#include "benchmarks/sweep-simserver/cli/options.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <memory>

#include "util/command_line.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

constexpr const char* kDescription =
    "An OpenAI-compatible server that simulates a serving engine with continuous batching. It needs no GPU "
    "and "
    "no model: it answers with the right number of meaningless tokens at the times at which such an engine "
    "would. Prefill and decode take what parameter count, precision, memory bandwidth and FLOP/s of a named "
    "GPU give by a documented formula; requests queue, share the batch and the memory of the cache.\n\n"
    "Nothing that comes from it is a measurement: every response, every event of a stream and every list of "
    "models says \"simulated\": true, and every head has X-Simulated: true.\n\n"
    "It serves POST /v1/completions and /v1/chat/completions, streamed or not, GET /v1/models and /health, "
    "and "
    "takes POST and GET of /reset_prefix_cache and /flush_cache; there is no prefix cache. A line 'listening "
    "on http://HOST:PORT' on standard output says where.";

constexpr const char* kClosing = R"(Faults:
  error=RATE      a share RATE of the requests is answered with status 500
  empty=RATE      with status 200 and nothing
  stall=RATE      stops in the middle and keeps the connection open
  cut=RATE        closes the connection in the middle
  garbage=RATE    sends bytes in the middle that are no event
  half-json=RATE  sends an event with half of its JSON in the middle
  endless-line=RATE
                  sends a line in the middle that never ends
  crash-after=N   the process aborts when N requests have been answered
  never-ready     loading stops at 40% and goes no further
  slow-start=SECONDS
                  loading stands still at 90% for so long

Exit status:
  0    ended by SIGTERM
  1    it could not listen, or something it did not foresee
  2    wrong usage, or a model that does not fit the GPUs
  130  ended by SIGINT
  134  ended by --fault crash-after (SIGABRT)

Examples:
  DeepSeek-R1 in FP4 on eight B200, and a look at it:
    sweep-simserver --model nvidia/DeepSeek-R1-0528-FP4-V2 --port 8000 &
    curl -s http://127.0.0.1:8000/v1/models
  As fast as a client can read, with the time of each send:
    sweep-simserver --zero-latency --stamps --port 0
  A server that takes a minute to load and cuts every tenth answer:
    sweep-simserver --hardware h200 --precision fp8 --startup-time 60 \
      --fault cut=0.1 --seed 7
)";

// As text; checked below.
struct Words {
  std::string hardware = "b200", precision, architecture, kv = "auto", listen, host, fixed;
  std::vector<std::string> faults;
  std::int64_t port = 8000;
  std::int64_t tp = 8, ep = 1, max_num_seqs = 1024, max_num_batched_tokens = 8192, max_model_len = 0;
  bool dp_attention = false, zero = false;
};

void add_model_options(CommandLine& app, Words& words, Settings& out) {
  app.option("--model", out.model, "name of the model in requests (default: dsr1)").value("NAME");
  app.option("--architecture", words.architecture,
             "what is simulated: DeepSeek-R1, Llama 3 70B or gpt-oss-120b (default: what the name says)")
      .value("{dsr1,llama70b,gptoss}");
  app.option("--hardware", words.hardware, "the GPU (default: b200)").value("{b200,h200,h100}");
  app.option("--precision", words.precision,
             "of the weights (default: what the name says, else what the model is published in)")
      .value("{fp4,fp8,bf16}");
  app.option("--kv-cache-dtype", words.kv, "precision of the cache; auto is bf16 (default: auto)")
      .value("{auto,fp8,bf16}");
  app.option("--tp", words.tp, "GPUs, as tensor parallel ranks (default: 8)").value("N");
  app.option("--ep", words.ep, "expert parallel ranks among them (default: 1)").value("N");
  app.flag("--dp-attention", words.dp_attention, "each GPU does the attention of its share of the requests");
}

void add_engine_options(CommandLine& app, Words& words, Settings& out) {
  app.option("--max-num-seqs", words.max_num_seqs, "most requests in a batch (default: 1024)").value("N");
  app.option("--max-num-batched-tokens", words.max_num_batched_tokens,
             "most tokens in a step (default: 8192)")
      .value("N");
  app.option("--max-model-len", words.max_model_len,
             "most tokens of a prompt and its answer (default: the model's)")
      .value("N");
  app.option("--gpu-memory-utilization", out.setup.memory_utilization,
             "share of a GPU's memory for weights and cache (default: 0.9)")
      .value("SHARE");
}

void add_pace_options(CommandLine& app, Words& words, Settings& out) {
  app.option("--time-scale", out.time_scale, "how many times faster than life everything goes (default: 1)")
      .value("X");
  app.flag("--zero-latency", words.zero, "no model: tokens come as fast as they are read");
  app.option("--fixed-latency", words.fixed,
             "no model: every request has its first token after TTFT and then one each ITL, in milliseconds")
      .value("TTFT,ITL");
  app.option("--startup-time", out.startup_seconds,
             "how long the weights load: /health and the rest answer 503 until then (default: 0)")
      .value("SECONDS");
  app.flag("--stamps", out.stamps,
           "events have stamp_ns, when they were sent, and received_ns, when their request was there, as "
           "nanoseconds of CLOCK_MONOTONIC");
  app.option("--seed", out.seed, "of texts and faults (default: 0)").value("N");
  app.option("--fault", words.faults, "what goes wrong, see below; may be given again")
      .value("WHAT")
      .repeatable();
}

void add_address_options(CommandLine& app, Words& words) {
  app.option("--listen", words.listen, "address and port in one").value("HOST:PORT");
  app.option("--host", words.host, "address to listen on (default: 127.0.0.1)").value("HOST");
  app.option("--port", words.port, "port to listen on; 0: any free one (default: 8000)").value("PORT");
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Expected<void> set_address(const CommandLine& app, Words words, Settings& out) {
  if (!words.listen.empty()) {
    if (app.given("--host") || app.given("--port"))
      return fail("--listen says what --host and --port say: give one");
    const std::size_t colon = words.listen.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : number(words.listen.substr(colon + 1));
    if (!port || *port != std::floor(*port))
      return fail("--listen must be HOST:PORT, not '" + words.listen + "'");
    words.host = words.listen.substr(0, colon);
    if (words.host.starts_with('[') && words.host.ends_with(']'))
      words.host = words.host.substr(1, words.host.size() - 2);
    words.port = static_cast<long>(*port);
  }
  if (words.port < 0 || words.port > 65535)
    return fail("the port must be from 0 to 65535, not " + std::to_string(words.port));
  out.port = static_cast<std::uint16_t>(words.port);
  if (!words.host.empty()) out.host = words.host;
  return {};
}

// From 1 to what a 32-bit count can do with, or from `low` on.
Expected<std::uint32_t> count(const char* option, std::int64_t value, std::int64_t low = 1) {
  constexpr std::int64_t kHigh = 1'000'000'000;
  if (value < low || value > kHigh)
    return fail(std::string(option) + " must be from " + std::to_string(low) + " to " +
                std::to_string(kHigh) + ", not " + std::to_string(value));
  return static_cast<std::uint32_t>(value);
}

Expected<void> set_counts(const Words& words, Settings& out) {
  const auto set = [](std::uint32_t& to, Expected<std::uint32_t> value) -> Expected<void> {
    if (!value) return tl::unexpected(value.error());
    to = *value;
    return {};
  };
  return set(out.setup.tp, count("--tp", words.tp))
      .and_then([&] { return set(out.setup.ep, count("--ep", words.ep)); })
      .and_then([&] { return set(out.limits.max_num_seqs, count("--max-num-seqs", words.max_num_seqs)); })
      .and_then([&] {
        return set(out.limits.max_num_batched_tokens,
                   count("--max-num-batched-tokens", words.max_num_batched_tokens));
      })
      .and_then(
          [&] { return set(out.limits.max_model_len, count("--max-model-len", words.max_model_len, 0)); });
}

Precision published_precision(const Settings& settings) {
  const std::string name = ascii_lower(settings.model);
  if (name.find("fp4") != std::string::npos) return Precision::Fp4;
  if (name.find("fp8") != std::string::npos) return Precision::Fp8;
  const std::string_view architecture = settings.setup.architecture->name;
  return architecture == "gptoss" ? Precision::Fp4
         : architecture == "dsr1" ? Precision::Fp8
                                  : Precision::Bf16;
}

Expected<void> set_setup(const Words& words, Settings& out) {
  Deployment& setup = out.setup;
  setup.hardware = find_hardware(words.hardware);
  if (setup.hardware == nullptr)
    return fail("--hardware " + words.hardware + " is not known: " + hardware_names());
  setup.architecture =
      words.architecture.empty() ? guess_architecture(out.model) : find_architecture(words.architecture);
  if (setup.architecture == nullptr && !words.architecture.empty())
    return fail("--architecture " + words.architecture + " is not known: " + architecture_names());
  if (setup.architecture == nullptr && out.pace == Pace::Model)
    return fail("what model '" + out.model +
                "' is cannot be told from its name: give --architecture, one of " + architecture_names());
  if (setup.architecture == nullptr)
    setup.architecture = find_architecture("dsr1");  // not asked by other paces
  setup.precision = published_precision(out);
  if (!words.precision.empty()) {
    const auto precision = precision_of(words.precision);
    if (!precision) return fail("--precision must be fp4, fp8 or bf16, not '" + words.precision + "'");
    setup.precision = *precision;
  }
  if (words.kv != "auto") {
    const auto precision = precision_of(words.kv);
    if (!precision || *precision == Precision::Fp4)
      return fail("--kv-cache-dtype must be auto, fp8 or bf16, not '" + words.kv + "'");
    setup.kv_precision = *precision;
  }
  setup.dp_attention = words.dp_attention;
  return {};
}

Expected<void> set_pace(const Words& words, Settings& out) {
  if (words.zero && !words.fixed.empty())
    return fail("--zero-latency and --fixed-latency exclude each other");
  if (words.zero) out.pace = Pace::Zero;
  if (!words.fixed.empty()) {
    out.pace = Pace::Fixed;
    const auto parts = split(words.fixed, ',');
    const auto ttft = parts.size() == 2 ? number(parts[0]) : std::nullopt;
    const auto itl = parts.size() == 2 ? number(parts[1]) : std::nullopt;
    if (!ttft || !itl || *ttft < 0 || *itl < 0 || *ttft > 1e9 || *itl > 1e9)
      return fail("--fixed-latency must be two times in milliseconds, such as 50,10, not '" + words.fixed +
                  "'");
    out.fixed_ttft = Time(std::llround(*ttft * 1e6));
    out.fixed_itl = Time(std::llround(*itl * 1e6));
  }
  if (!(out.time_scale >= 1e-3 && out.time_scale <= 1e6))
    return fail("--time-scale must be from 0.001 to 1000000");
  if (!(out.startup_seconds >= 0 && out.startup_seconds <= 1e6))
    return fail("--startup-time must be from 0 to 1000000 seconds");
  SWEEP_ASSIGN(const auto faults, read_faults(words.faults));
  out.faults = faults;
  return {};
}

Expected<void> check(const CommandLine& app, const Words& words, Settings& out) {
  if (out.model.empty()) out.model = "dsr1";
  return set_address(app, words, out)
      .and_then([&] { return set_counts(words, out); })
      .and_then([&] { return set_pace(words, out); })
      .and_then([&] { return set_setup(words, out); });
}

}  // namespace

void print_error(const std::string& message) {
  std::fprintf(stderr, "sweep-simserver: %s\n", printable(message).c_str());
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
  constexpr int kUsage = 2;
  CommandLine app("sweep-simserver", kDescription, kClosing);
  Words words;
  Settings settings;
  add_model_options(app, words, settings);
  add_engine_options(app, words, settings);
  add_pace_options(app, words, settings);
  add_address_options(app, words);
  app.version_flag(SWEEP_VERSION);
  if (const auto status = app.parse(arguments)) return {.settings = std::nullopt, .status = *status};
  if (const auto good = check(app, words, settings); !good) {
    print_error(good.error().message);
    return {.settings = std::nullopt, .status = kUsage};
  }
  return {.settings = settings, .status = 0};
}

}  // namespace sweep::sim_server
