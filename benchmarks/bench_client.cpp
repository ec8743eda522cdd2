// bench_client: measures the cost of sweep-bench against sweep-simserver on this machine: output tokens per
// second of a core, the latency that it adds to TTFT and ITL (its own figures minus the server's time
// stamps), and memory. If Python has asyncio and aiohttp, a minimal client (client_asyncio.py) is measured in
// the same run.
//
// Every measurement runs whole processes with a fresh server; client and server each have a core if there are
// two. In zero-latency mode tokens are sent as fast as they are read: for throughput and memory. In
// fixed-latency mode the server has fixed intervals, and requests arrive one by one such that about all
// streams are in use: for the added latency. (If all arrived at once, the time that the server needs to
// accept so many requests would count as the client's.) Nothing is a measurement of a GPU.
#include <fcntl.h>
#include <sched.h>

#include <csignal>
#include <cstdlib>
#include <optional>

#include "benchmarks/bench_command.hpp"
#include "benchmarks/bench_process.hpp"
#include "benchmarks/statistics.hpp"
#include "proto/net/event_loop.hpp"
#include "util/json.hpp"
#include "util/os/clock.hpp"
#include "util/os/files.hpp"

namespace sweep::bench {
namespace {

constexpr double kAimRatio = 10, kAimAddedMs = 2;
constexpr int kAimStreams = 1024;
constexpr std::size_t kMaxResult = std::size_t{1} << 30;
constexpr Millis kServerStart{20'000};

struct Options {
  Directories directories;
  std::string python = "/usr/bin/python3", script = SWEEP_SOURCE_DIR "/benchmarks/client_asyncio.py";
  std::vector<int> streams = {64, 1024, 4096};
  int ttft = 100, itl = 20;  // ms, in fixed-latency mode
  bool quick = false;

  std::string latencies() const { return std::to_string(ttft) + "," + std::to_string(itl); }
};

/// One line of the table.
struct Figures {
  double tokens_per_second = 0, tokens_per_core = 0, peak_mb = 0;
  std::optional<double> ttft_p50, ttft_p99, itl_p50, itl_p99;  // added latency in ms
};

struct Load {
  int streams = 0, requests = 0, osl = 0;
  double rate = 0;    // requests per second; 0: all at once, as far as the number of streams permits
  bool zero = false;  // zero latency, otherwise fixed latency
};

bool has_two_cores() {
  cpu_set_t mine;
  CPU_ZERO(&mine);
  return ::sched_getaffinity(0, sizeof mine, &mine) == 0 && CPU_ISSET(0, &mine) && CPU_ISSET(1, &mine);
}

std::vector<std::string> on_core(int core, std::vector<std::string> argv) {
  if (has_two_cores()) argv.insert(argv.begin(), {"taskset", "-c", std::to_string(core)});
  return argv;
}

/// A running sweep-simserver that is stopped by the destructor.
class SimServer {
 public:
  static Expected<SimServer> start(const Options& options, const Load& load) {
    std::vector<std::string> argv = {options.directories.bin + "/sweep-simserver",
                                     "--model",
                                     "m",
                                     "--port",
                                     "0",
                                     "--stamps",
                                     "--max-num-seqs",
                                     "8192"};
    argv.push_back(load.zero ? "--zero-latency" : "--fixed-latency=" + options.latencies());
    SWEEP_ASSIGN(auto pipe, make_pipe());
    SpawnSpec spec;
    spec.argv = on_core(0, argv);
    spec.environment = own_environment();
    const Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    spec.err = nowhere.get();
    spec.out = pipe.write_end.get();
    SWEEP_ASSIGN(auto child, spawn(spec));
    pipe.write_end.reset();
    SimServer server(std::move(child), std::move(pipe.read_end));
    SWEEP_TRY(server.wait_until_listening());
    return server;
  }
  SimServer(SimServer&& other) noexcept = default;
  SimServer& operator=(SimServer&&) = delete;
  ~SimServer() {
    if (!child_.pidfd.open()) return;
    ::kill(child_.pid, SIGTERM);
    wait_until_gone();
  }

  const std::string& url() const { return url_; }

 private:
  SimServer(Child child, Fd out) : child_(std::move(child)), out_(std::move(out)) {}

  Expected<void> wait_until_listening() {
    EventLoop loop;
    std::string output;
    bool closed = false;
    loop.watch(out_.get(), [&] {
      const Chunk chunk = read_available(out_.get(), 4096);
      output += chunk.bytes;
      closed = closed || chunk.closed;
    });
    const Instant until = now() + kServerStart;
    while (output.find('\n') == std::string::npos) {
      if (closed || now() >= until) return fail("sweep-simserver did not start: " + output);
      loop.step(until);
    }
    const std::string prefix = "listening on ";
    const std::size_t at = output.find(prefix);
    if (at == std::string::npos) return fail("sweep-simserver did not print its address: " + output);
    url_ = output.substr(at + prefix.size(), output.find('\n', at) - at - prefix.size());
    return {};
  }
  void wait_until_gone() {
    EventLoop loop;
    bool gone = false;
    loop.watch(child_.pidfd.get(), [&] { gone = true; });
    while (!gone)
      loop.step(std::nullopt);
    static_cast<void>(reap(child_.pid));
  }

  Child child_;
  Fd out_;
  std::string url_;
};

struct Bench {
  const Options& options;
  std::string folder;
  SignalFd& signals;

  std::string result() const { return folder + "/result.json"; }
  std::string errors() const { return folder + "/stderr"; }
};

double ms(double seconds) {
  return seconds * 1'000;
}

/// Appends measured minus server values, in ms, of lists of numbers or of lists of such lists.
void append_added_latency(const nlohmann::json& measured, const nlohmann::json& servers,
                          std::vector<double>& out) {
  for (std::size_t i = 0; i < measured.size() && i < servers.size(); ++i) {
    if (measured[i].is_array()) {
      append_added_latency(measured[i], servers[i], out);
    } else {
      out.push_back(ms(measured[i].get<double>() - servers[i].get<double>()));
    }
  }
}

Expected<nlohmann::json> read_result(const Bench& bench) {
  SWEEP_ASSIGN(const auto bytes, read_file(bench.result(), kMaxResult));
  auto json = nlohmann::json::parse(bytes, nullptr, false);
  if (json.is_discarded()) return fail("a client wrote invalid JSON to '" + bench.result() + "'");
  return json;
}

Figures figures(const Run& run, double tokens, double duration) {
  Figures out;
  out.tokens_per_second = tokens / duration;
  out.tokens_per_core = tokens / run.cpu_seconds;
  out.peak_mb = run.peak_mb;
  return out;
}

Expected<Figures> run_sweep_bench(const Bench& bench, const Load& load) {
  SWEEP_ASSIGN(const auto server, SimServer::start(bench.options, load));
  std::vector<std::string> argv = {bench.options.directories.bin + "/sweep-bench",
                                   "--model",
                                   "m",
                                   "--base-url",
                                   server.url(),
                                   "--dataset-name",
                                   "random",
                                   "--random-input-len",
                                   "16",
                                   "--random-output-len",
                                   std::to_string(load.osl),
                                   "--num-prompts",
                                   std::to_string(load.requests),
                                   "--max-concurrency",
                                   std::to_string(load.streams),
                                   "--ignore-eos",
                                   "--disable-tqdm",
                                   "--threads",
                                   "1",
                                   "--result-filename",
                                   bench.result()};
  argv.push_back(load.zero ? "--save-result" : "--save-detailed");
  if (load.rate > 0) argv.insert(argv.end(), {"--request-rate", formatted("%.3f", load.rate)});
  SWEEP_ASSIGN(const auto run,
               run_program({on_core(1, argv), "", "/dev/null", bench.errors()}, bench.signals));
  SWEEP_ASSIGN(const auto json, read_result(bench));
  if (json["completed"] != load.requests) return fail("requests failed: " + json["completed"].dump());
  Figures out = figures(run, json["total_output_tokens"], json["duration"]);
  if (load.zero) return out;
  std::vector<double> ttft, itl;
  append_added_latency(json["ttfts"], json["server_ttfts"], ttft);
  append_added_latency(json["itls"], json["server_itls"], itl);
  out.ttft_p50 = percentile_of(ttft, 50);
  out.ttft_p99 = percentile_of(ttft, 99);
  out.itl_p50 = percentile_of(itl, 50);
  out.itl_p99 = percentile_of(itl, 99);
  return out;
}

Expected<Figures> run_asyncio_client(const Bench& bench, const Load& load) {
  SWEEP_ASSIGN(const auto server, SimServer::start(bench.options, load));
  const std::vector<std::string> argv = {
      bench.options.python,         bench.options.script,          server.url() + "/v1/completions",
      std::to_string(load.streams), std::to_string(load.requests), "16",
      std::to_string(load.osl),     formatted("%.3f", load.rate),  bench.result()};
  SWEEP_ASSIGN(const auto run,
               run_program({on_core(1, argv), "", "/dev/null", bench.errors()}, bench.signals));
  SWEEP_ASSIGN(const auto json, read_result(bench));
  Figures out = figures(run, json["output_tokens"], json["duration"]);
  if (load.zero) return out;
  const auto number = [&](const char* what, const char* percent) { return ms(json[what][percent]); };
  out.ttft_p50 = number("added_ttft", "p50");
  out.ttft_p99 = number("added_ttft", "p99");
  out.itl_p50 = number("added_itl", "p50");
  out.itl_p99 = number("added_itl", "p99");
  return out;
}

void print_line(const Load& load, const char* client, const Figures& f) {
  const auto cell = [](const std::optional<double>& value) {
    return value ? formatted("%.3f", *value) : std::string("-");
  };
  std::printf("%-8s %6d  %-12s %10.0f %12.0f %9s %9s %9s %9s %8.0f\n", load.zero ? "zero" : "fixed",
              load.streams, client, f.tokens_per_second, f.tokens_per_core, cell(f.ttft_p50).c_str(),
              cell(f.ttft_p99).c_str(), cell(f.itl_p50).c_str(), cell(f.itl_p99).c_str(), f.peak_mb);
  std::fflush(stdout);
}

bool python_has_packages(const Bench& bench) {
  const Program ask{{bench.options.python, "-c", "import aiohttp, numpy"}, "", "/dev/null", "/dev/null"};
  return run_program(ask, bench.signals).has_value();
}

std::vector<Load> loads(const Options& options) {
  std::vector<Load> out;
  for (const bool zero : {true, false}) {
    for (const int streams : options.streams) {
      // Long enough to make the start of a process negligible: about two million tokens with zero latency.
      const int tokens = options.quick ? 20'000 : 2'000'000, osl = options.quick ? 16 : 128;
      const int requests = zero ? std::max(streams, tokens / osl) : 3 * streams;
      const double request_seconds = (options.ttft + options.itl * (osl - 1)) / 1e3;
      out.push_back({streams, requests, osl, zero ? 0 : streams / request_seconds, zero});
    }
  }
  return out;
}

Expected<void> measure(const Options& options) {
  const double load_before = load_average();
  SWEEP_ASSIGN(auto folder, WorkFolder::make(options.directories.dir, "bench-client"));
  SignalFd signals({SIGINT, SIGTERM});
  const Bench bench{options, folder.path, signals};
  print_machine(folder.path, load_before);
  std::printf(
      "server: sweep-simserver (simulated, no model); zero: tokens as fast as they are read; fixed: TTFT,ITL "
      "%s ms\n"
      "client and server %s\n\n",
      options.latencies().c_str(), has_two_cores() ? "each have a core" : "share the available cores");
  std::printf("%-8s %6s  %-12s %10s %12s %19s %19s %8s\n%-8s %6s  %-12s %10s %12s %9s %9s %9s %9s %8s\n", "",
              "", "", "tokens/s", "tokens per", "added TTFT, ms", "added ITL, ms", "peak", "mode", "streams",
              "client", "", "core second", "p50", "p99", "p50", "p99", "MB");
  const bool python = python_has_packages(bench);
  double least_ratio = 0;
  std::optional<double> added;
  for (const Load& load : loads(options)) {
    SWEEP_ASSIGN(const auto ours, run_sweep_bench(bench, load));
    print_line(load, "sweep-bench", ours);
    if (!load.zero && load.streams == kAimStreams) added = ours.ttft_p99;
    if (!python) continue;
    Load theirs = load;
    if (load.zero && !options.quick) theirs.requests = std::max(load.streams, load.requests / 10);
    SWEEP_ASSIGN(const auto other, run_asyncio_client(bench, theirs));
    print_line(theirs, "asyncio", other);
    const double ratio = ours.tokens_per_core / other.tokens_per_core;
    if (load.zero && (least_ratio == 0 || ratio < least_ratio)) least_ratio = ratio;
  }
  std::printf("\n");
  if (python) {
    print_aim(formatted("%.0f times the asyncio client's tokens per core second, zero latency", kAimRatio),
              least_ratio >= kAimRatio, formatted("at least %.1f times", least_ratio));
  } else {
    std::printf(
        "asyncio client not measured: %s has no aiohttp or no numpy; install python3-aiohttp and "
        "python3-numpy\n",
        options.python.c_str());
  }
  if (added)
    print_aim(formatted("added TTFT p99 under %.0f ms at %d streams", kAimAddedMs, kAimStreams),
              *added < kAimAddedMs, formatted("%.3f ms", *added));
  print_if_busy(load_before);
  return {};
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  using namespace sweep::bench;
  Options options;
  sweep::CommandLine app(
      "bench_client",
      "Measures the cost of sweep-bench, and of a client on asyncio, with the simulated server.");
  add_directory_options(app, options.directories, "results", "sweep-bench and sweep-simserver");
  app.option("--streams", options.streams,
             "number of concurrent streams; several numbers give several lines");
  app.option("--ttft", options.ttft, "TTFT in fixed-latency mode, in ms (default: 100)");
  app.option("--itl", options.itl, "ITL in fixed-latency mode, in ms (default: 20)");
  app.option("--python", options.python, "Python interpreter, with aiohttp and numpy if possible");
  app.flag("--quick", options.quick, "few tokens: to test the benchmark, not to measure");
  if (const auto status = app.parse({argv + 1, argv + argc})) return *status;
  return run_benchmark("bench_client", [&] { return measure(options); });
}
