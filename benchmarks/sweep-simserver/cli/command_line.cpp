#include "benchmarks/sweep-simserver/cli/command_line.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "benchmarks/sweep-simserver/cli/role_options.hpp"
#include "util/command_line.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::sim_server {

namespace {

constexpr const char* kDescription =
    "Runs an OpenAI-compatible server that simulates a serving engine with continuous batching. It needs no "
    "GPU and no model: it sends the requested number of meaningless tokens at the times at which such an "
    "engine would send them. The times of prefill and decode are computed by a documented formula from "
    "parameter count, precision, memory bandwidth and FLOP/s of a named GPU; requests queue, and share the "
    "batch and the cache memory.\n\n"
    "No output of this server is a measurement: every response, every event of a stream and every list of "
    "models contains \"simulated\": true, and every response head contains X-Simulated: true.\n\n"
    "The server handles POST /v1/completions and /v1/chat/completions, streamed or not, GET /v1/models and "
    "/health, and accepts POST and GET of /reset_prefix_cache and /flush_cache, which do nothing because "
    "there is no prefix cache. It prints 'listening on http://HOST:PORT' to standard output.";

// The first section of the closing text; kClosing follows.
constexpr const char* kRoles = R"(Roles:
  prefill   computes the prompts of requests and returns one token for each
  decode    generates the tokens of requests, as if a prefill worker had
            computed their prompts
  router    passes each request to a prefill and then to a decode worker,
            chosen round robin; GET /workers returns how many workers it has
            found, /health returns 200 while that is all of them, and
            /flush_cache is passed to all workers

)";

constexpr const char* kClosing = R"(Faults:
  error=RATE      a fraction RATE of the requests gets a response with status
                  500
  empty=RATE      gets a response with status 200 and no content
  stall=RATE      stalls in the middle; the connection stays open
  cut=RATE        the connection is closed in the middle
  garbage=RATE    the middle of the stream contains bytes that are not events
  half-json=RATE  the middle of the stream contains an event with truncated
                  JSON
  endless-line=RATE
                  the middle of the stream contains a line that never ends
  ready-but-broken
                  /health returns 200, and every request gets status 500
  crash-after=N   the process aborts after N requests have been answered
  die-after-requests=N
                  the process is killed (SIGKILL) when request N arrives
  exit-after=SECONDS
                  the process exits with status 1 so long after its start
  exit-0-after=SECONDS
                  the same with status 0
  never-ready     loading stops at 40 % and never completes
  slow-start=SECONDS
                  loading pauses at 90 % for this time
  never-connect   a rank above 0 does not connect to rank 0
  knows-one-worker-less
                  a router ignores the last of its workers

Exit status:
  0    ended by SIGTERM
  1    cannot listen on the port, internal error, a rank is lost or has
       other options, or ended by --fault exit-after
  2    invalid command line, or a model that does not fit the GPUs
  130  interrupted by SIGINT
  134  ended by --fault crash-after (SIGABRT)
  137  ended by --fault die-after-requests (SIGKILL)

Environment:
  SWEEP_SIMSERVER_FAULT
       faults in addition to those of --fault, separated by commas

Examples:
  DeepSeek-R1 in FP4 on eight B200, and a query of its models:
    sweep-simserver --model nvidia/DeepSeek-R1-0528-FP4-V2 --port 8000 &
    curl -s http://127.0.0.1:8000/v1/models
  Tokens as fast as a client can read them, with time stamps:
    sweep-simserver --zero-latency --stamps --port 0
  A server that takes a minute to load and cuts every tenth response:
    sweep-simserver --hardware h200 --precision fp8 --startup-time 60 \
      --fault cut=0.1 --seed 7
  A prefill worker, a decode worker of two processes, and their router:
    sweep-simserver --role prefill --port 8001 &
    sweep-simserver --role decode --port 8002 --nnodes 2 --node-rank 0 \
      --dist-init-addr 127.0.0.1:8010 &
    sweep-simserver --role decode --nnodes 2 --node-rank 1 \
      --dist-init-addr 127.0.0.1:8010 &
    sweep-simserver --role router --prefill http://127.0.0.1:8001 \
      --decode http://127.0.0.1:8002 --port 8000
)";

/// Option values as given; checked below.
struct RawOptions {
  std::string hardware = "b200", precision, architecture, kv = "auto", listen, host, fixed;
  std::vector<std::string> faults;
  std::int64_t port = 8000;
  std::int64_t tp = 8, ep = 1, max_num_seqs = 1024, max_num_batched_tokens = 8192, max_model_len = 0;
  bool dp_attention = false, zero = false;
};

void add_model_options(CommandLine& app, RawOptions& raw, Settings& out) {
  app.option("--model", out.model, "name of the model in requests (default: dsr1)").value("NAME");
  app.option("--architecture", raw.architecture,
             "model to simulate: DeepSeek-R1, Llama 3 70B or gpt-oss-120b (default: derived from --model)")
      .value("{dsr1,llama70b,gptoss}");
  app.option("--hardware", raw.hardware, "GPU to simulate (default: b200)").value("{b200,h200,h100}");
  app.option(
         "--precision", raw.precision,
         "precision of the weights (default: derived from --model, else the precision in which the model is "
         "published)")
      .value("{fp4,fp8,bf16}");
  app.option("--kv-cache-dtype", raw.kv, "precision of the KV cache; auto is bf16 (default: auto)")
      .value("{auto,fp8,bf16}");
  app.option("--tp", raw.tp, "number of GPUs (tensor-parallel ranks) (default: 8)").value("N");
  app.option("--ep", raw.ep, "number of expert-parallel ranks among them (default: 1)").value("N");
  app.flag("--dp-attention", raw.dp_attention,
           "data-parallel attention: each GPU computes the attention of its share of the requests");
}

void add_engine_options(CommandLine& app, RawOptions& raw, Settings& out) {
  app.option("--max-num-seqs", raw.max_num_seqs, "maximum number of requests in a batch (default: 1024)")
      .value("N");
  app.option("--max-num-batched-tokens", raw.max_num_batched_tokens,
             "maximum number of tokens in a step (default: 8192)")
      .value("N");
  app.option("--max-model-len", raw.max_model_len,
             "maximum number of tokens of a prompt and its output together (default: the model's)")
      .value("N");
  app.option("--gpu-memory-utilization", out.setup.memory_utilization,
             "fraction of a GPU's memory for weights and cache (default: 0.9)")
      .value("SHARE");
}

void add_pace_options(CommandLine& app, RawOptions& raw, Settings& out) {
  app.option("--time-scale", out.time_scale, "run the simulation X times faster than real time (default: 1)")
      .value("X");
  app.flag("--zero-latency", raw.zero, "simulate no model: send tokens as fast as the client reads them");
  app.option(
         "--fixed-latency", raw.fixed,
         "simulate no model: send the first token of each request after TTFT and the others at intervals of "
         "ITL, both in milliseconds")
      .value("TTFT,ITL");
  app.option(
         "--startup-time", out.startup_seconds,
         "time to load the weights, during which all requests, also of /health, get status 503 (default: 0)")
      .value("SECONDS");
  app.flag(
      "--stamps", out.stamps,
      "add to each event stamp_ns, the time at which it was sent, and received_ns, the time at which its "
      "request had arrived, in nanoseconds of CLOCK_MONOTONIC");
  app.option("--seed", out.seed, "seed for texts and faults (default: 0)").value("N");
  app.option("--fault", raw.faults, "fault to inject, see Faults; may be repeated")
      .value("WHAT")
      .repeatable();
}

void add_address_options(CommandLine& app, RawOptions& raw) {
  app.option("--listen", raw.listen, "address and port to listen on, instead of --host and --port")
      .value("HOST:PORT");
  app.option("--host", raw.host, "address to listen on (default: 127.0.0.1)").value("HOST");
  app.option("--port", raw.port, "port to listen on; 0: any free port (default: 8000)").value("PORT");
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

Expected<void> set_address(const CommandLine& app, RawOptions raw, Settings& out) {
  if (!raw.listen.empty()) {
    if (app.given("--host") || app.given("--port"))
      return fail("--listen cannot be combined with --host or --port; give one of them");
    const std::size_t colon = raw.listen.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : number(raw.listen.substr(colon + 1));
    if (!port || *port != std::floor(*port))
      return fail("invalid --listen '" + raw.listen + "'; give HOST:PORT");
    raw.host = raw.listen.substr(0, colon);
    if (raw.host.starts_with('[') && raw.host.ends_with(']'))
      raw.host = raw.host.substr(1, raw.host.size() - 2);
    raw.port = static_cast<long>(*port);
  }
  if (raw.port < 0 || raw.port > 65535)
    return fail("port " + std::to_string(raw.port) + " is out of range; give a port from 0 to 65535");
  out.port = static_cast<std::uint16_t>(raw.port);
  if (!raw.host.empty()) out.host = raw.host;
  return {};
}

// Stores `value` in `to`. Fails if it is below `low` or too large for a count.
Expected<void> set_count(std::uint32_t& to, const char* option, std::int64_t value, std::int64_t low = 1) {
  constexpr std::int64_t kHigh = 1'000'000'000;
  if (value < low || value > kHigh)
    return fail(std::string(option) + " " + std::to_string(value) + " is out of range; give a number from " +
                std::to_string(low) + " to " + std::to_string(kHigh));
  to = static_cast<std::uint32_t>(value);
  return {};
}

Expected<void> set_counts(const RawOptions& raw, Settings& out) {
  SWEEP_TRY(set_count(out.setup.tp, "--tp", raw.tp));
  SWEEP_TRY(set_count(out.setup.ep, "--ep", raw.ep));
  SWEEP_TRY(set_count(out.limits.max_num_seqs, "--max-num-seqs", raw.max_num_seqs));
  SWEEP_TRY(
      set_count(out.limits.max_num_batched_tokens, "--max-num-batched-tokens", raw.max_num_batched_tokens));
  return set_count(out.limits.max_model_len, "--max-model-len", raw.max_model_len, 0);
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

Expected<void> set_setup(const RawOptions& raw, Settings& out) {
  Deployment& setup = out.setup;
  setup.hardware = find_hardware(raw.hardware);
  if (setup.hardware == nullptr)
    return fail("unknown --hardware '" + raw.hardware + "'; give one of " + hardware_names());
  setup.architecture =
      raw.architecture.empty() ? guess_architecture(out.model) : find_architecture(raw.architecture);
  if (setup.architecture == nullptr && !raw.architecture.empty())
    return fail("unknown --architecture '" + raw.architecture + "'; give one of " + architecture_names());
  if (setup.architecture == nullptr && out.pace == Pace::Model)
    return fail("cannot derive the architecture from the model name '" + out.model +
                "'; give --architecture, one of " + architecture_names());
  if (setup.architecture == nullptr)
    setup.architecture = find_architecture("dsr1");  // any value will do: the other paces do not use it
  setup.precision = published_precision(out);
  if (!raw.precision.empty()) {
    const auto precision = precision_of(raw.precision);
    if (!precision) return fail("unknown --precision '" + raw.precision + "'; give fp4, fp8 or bf16");
    setup.precision = *precision;
  }
  if (raw.kv != "auto") {
    const auto precision = precision_of(raw.kv);
    if (!precision || *precision == Precision::Fp4)
      return fail("unsupported --kv-cache-dtype '" + raw.kv + "'; give auto, fp8 or bf16");
    setup.kv_precision = *precision;
  }
  setup.dp_attention = raw.dp_attention;
  return {};
}

Expected<void> set_pace(const RawOptions& raw, Settings& out) {
  if (raw.zero && !raw.fixed.empty())
    return fail("--zero-latency and --fixed-latency exclude each other; give one of them");
  if (raw.zero) out.pace = Pace::Zero;
  if (!raw.fixed.empty()) {
    out.pace = Pace::Fixed;
    const auto parts = split(raw.fixed, ',');
    const auto ttft = parts.size() == 2 ? number(parts[0]) : std::nullopt;
    const auto itl = parts.size() == 2 ? number(parts[1]) : std::nullopt;
    if (!ttft || !itl || *ttft < 0 || *itl < 0 || *ttft > 1e9 || *itl > 1e9)
      return fail("invalid --fixed-latency '" + raw.fixed +
                  "'; give two times in milliseconds, such as 50,10");
    out.fixed_ttft = Time(std::llround(*ttft * 1e6));
    out.fixed_itl = Time(std::llround(*itl * 1e6));
  }
  if (!(out.time_scale >= 1e-3 && out.time_scale <= 1e6))
    return fail("--time-scale " + std::to_string(out.time_scale) +
                " is out of range; give a number from 0.001 to 1000000");
  if (!(out.startup_seconds >= 0 && out.startup_seconds <= 1e6))
    return fail("--startup-time " + std::to_string(out.startup_seconds) +
                " is out of range; give 0 to 1000000 seconds");
  std::vector<std::string> words = raw.faults;
  const char* const more = std::getenv("SWEEP_SIMSERVER_FAULT");
  for (const std::string& word : split(more == nullptr ? "" : more, ',')) {
    if (!trimmed(word).empty()) words.emplace_back(trimmed(word));
  }
  SWEEP_ASSIGN(out.faults, read_faults(words));
  return {};
}

Expected<void> check_options(const CommandLine& app, const RawOptions& raw, const RawRoleOptions& role,
                             Settings& out) {
  if (out.model.empty()) out.model = "dsr1";
  SWEEP_TRY(set_address(app, raw, out));
  SWEEP_TRY(set_counts(raw, out));
  SWEEP_TRY(set_pace(raw, out));
  SWEEP_TRY(set_setup(raw, out));
  return set_role(app, role, out);
}

}  // namespace

void print_error(const std::string& message) {
  std::fprintf(stderr, "sweep-simserver: %s\n", printable(message).c_str());
}

Invocation read_command_line(const std::vector<std::string>& arguments) {
  constexpr int kUsage = 2;
  CommandLine app("sweep-simserver", kDescription, std::string(kRoles) + kClosing);
  RawOptions raw;
  RawRoleOptions role;
  Settings settings;
  add_model_options(app, raw, settings);
  add_engine_options(app, raw, settings);
  add_pace_options(app, raw, settings);
  add_address_options(app, raw);
  add_role_options(app, role);
  app.version_flag(SWEEP_VERSION);
  if (const auto status = app.parse(arguments)) return {.settings = std::nullopt, .status = *status};
  if (const auto good = check_options(app, raw, role, settings); !good) {
    print_error(good.error().message);
    return {.settings = std::nullopt, .status = kUsage};
  }
  return {.settings = settings, .status = 0};
}

}  // namespace sweep::sim_server
