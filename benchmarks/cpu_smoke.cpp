// cpu-smoke: a benchmark of the InferenceMAX contract that needs no GPU.
//
// It replaces a serving engine and its client: CONC requests are always in flight; each is a prefill of its
// input tokens followed by one step per output token, all of them real arithmetic on this CPU, and every
// output token is stamped with the monotonic clock. All numbers in the result are computed from these stamps.
// They measure this CPU, not an accelerator or a model, as the result states ("hardware": "cpu").
//
// The work of a token is the same on every machine and for every point; only the number of requests depends
// on the point and on the number of threads. Exit status: 0 success, 1 no result, 2 invalid environment.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "benchmarks/monotonic_clock.hpp"
#include "benchmarks/progress_line.hpp"
#include "benchmarks/statistics.hpp"
#include "util/error.hpp"
#include "util/json.hpp"
#include "util/os/output_file.hpp"
#include "util/os/signals.hpp"
#include "util/os/standard_streams.hpp"

namespace sweep::bench {
namespace {

// --- the point ---------------------------------------------------------------------------------------------

struct Point {
  std::string exp_name;
  std::string model;
  std::string result_filename;
  std::string dp_attention;
  std::size_t isl = 0;
  std::size_t osl = 0;
  std::size_t tp = 0;
  std::size_t ep = 0;
  std::size_t conc = 0;
  double range_ratio = 0.8;  // default of the contract
  double scale = 1.0;        // CPU_SMOKE_SCALE: multiplies the number of requests, for tests
};

Expected<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr) return fail(std::string(name) + " is not set; set it in the environment");
  if (*value == '\0') return fail(std::string(name) + " is empty; set it in the environment");
  return std::string(value);
}

Expected<std::size_t> count_variable(const char* name) {
  SWEEP_ASSIGN(const auto text, variable(name));
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos;
  const auto value = digits && text.size() <= 9 ? std::strtoul(text.c_str(), nullptr, 10) : 0;
  if (value == 0)
    return fail("invalid " + std::string(name) + " '" + text + "'; set it to an integer from 1 to 999999999");
  return value;
}

Expected<double> real_variable(const char* name, double fallback, double low, double high) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return fallback;
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (*end != '\0' || !(value >= low && value <= high)) {
    char range[64];
    std::snprintf(range, sizeof range, "%g to %g", low, high);
    return fail("invalid " + std::string(name) + " '" + text + "'; set it to a number from " + range);
  }
  return value;
}

Expected<Point> read_point() {
  Point point;
  struct Text {
    const char* name;
    std::string& value;
  };
  for (const Text& field :
       {Text{"EXP_NAME", point.exp_name}, Text{"MODEL", point.model},
        Text{"RESULT_FILENAME", point.result_filename}, Text{"DP_ATTENTION", point.dp_attention}}) {
    SWEEP_ASSIGN(auto value, variable(field.name));
    field.value = std::move(value);
  }
  struct Count {
    const char* name;
    std::size_t& value;
  };
  for (const Count& field : {Count{"ISL", point.isl}, Count{"OSL", point.osl}, Count{"TP", point.tp},
                             Count{"EP_SIZE", point.ep}, Count{"CONC", point.conc}}) {
    SWEEP_ASSIGN(const auto value, count_variable(field.name));
    field.value = value;
  }
  SWEEP_ASSIGN(const auto ratio, real_variable("RANDOM_RANGE_RATIO", point.range_ratio, 0.0, 1.0));
  point.range_ratio = ratio;
  SWEEP_ASSIGN(const auto scale, real_variable("CPU_SMOKE_SCALE", point.scale, 0.0, 1000.0));
  point.scale = scale;
  if (point.result_filename.find('/') != std::string::npos) {
    return fail("invalid RESULT_FILENAME '" + point.result_filename +
                "'; set it to a file name in the working directory, without '/'");
  }
  return point;
}

// --- the work ----------------------------------------------------------------------------------------------

constexpr std::size_t kWidth = 64;
constexpr std::size_t kPrefillRows = 4;  // an input token costs a sixteenth of an output token
using Vector = std::vector<float>;

// Returns one layer of weights: the same in every run, and scaled so that activations neither vanish nor
// grow.
Vector make_weights() {
  std::mt19937 generator(1);
  Vector weights(kWidth * kWidth);
  for (float& weight : weights) {
    weight = (static_cast<float>(generator()) / 4294967296.0F - 0.5F) * 0.4F;
  }
  return weights;
}

// Multiplies `rows` rows of the weights, from `first` on, by the state, applies x / (1 + |x|), and stores the
// result in the same rows of the state.
void step(const Vector& weights, Vector& state, Vector& scratch, std::size_t first, std::size_t rows) {
  for (std::size_t row = first; row < first + rows; ++row) {
    float sum = 0.1F;
    for (std::size_t column = 0; column < kWidth; ++column) {
      sum += weights[row * kWidth + column] * state[column];
    }
    scratch[row] = sum / (1.0F + std::fabs(sum));
  }
  for (std::size_t row = first; row < first + rows; ++row)
    state[row] = scratch[row];
}

struct Request {
  std::size_t output_tokens = 0;
  RequestTimes times;
  Vector state;
};

void prefill(const Vector& weights, Request& request, Vector& scratch) {
  request.state.assign(kWidth, 0.5F);
  for (std::size_t i = 0; i < request.times.input_tokens; ++i) {
    step(weights, request.state, scratch, i * kPrefillRows % kWidth, kPrefillRows);
  }
}

// Returns the number of requests: enough to keep every thread busy for a second or two, and at least as many
// as are in flight at a time.
std::size_t request_count(const Point& point, std::size_t threads) {
  constexpr double tokens_per_thread = 1'500'000;  // output tokens, or sixteen times as many input tokens
  const double prefill =
      static_cast<double>(point.isl) * static_cast<double>(kPrefillRows) / static_cast<double>(kWidth);
  const double per_request = prefill + static_cast<double>(point.osl);
  const double enough = tokens_per_thread * static_cast<double>(threads) / per_request;
  const double wanted = std::max(enough * point.scale, static_cast<double>(point.conc));
  return std::max<std::size_t>(2, static_cast<std::size_t>(std::ceil(wanted)));
}

// Draws lengths as benchmark_serving does: uniform from floor(length * ratio) to length.
std::vector<Request> make_requests(const Point& point, std::size_t count) {
  std::mt19937_64 generator(0);
  const auto draw = [&](std::size_t length) {
    const auto low = static_cast<std::size_t>(static_cast<double>(length) * point.range_ratio);
    return std::uniform_int_distribution<std::size_t>(std::max<std::size_t>(1, low), length)(generator);
  };
  std::vector<Request> requests(count);
  for (Request& request : requests) {
    request.times.input_tokens = draw(point.isl);
    request.output_tokens = draw(point.osl);
    request.times.tokens.reserve(request.output_tokens);
  }
  return requests;
}

// Prints the progress bar when a request has ended, at most ten times per second, and at the end.
class Progress {
 public:
  Progress(std::size_t total, double start) : total_(total), start_(start) { print(start); }

  void one_done() {
    const std::lock_guard lock(mutex_);
    ++done_;
    const double time = monotonic_seconds();
    if (time - printed_ >= 0.1 || done_ == total_) print(time);
    if (done_ == total_) std::fputc('\n', stderr);
  }

 private:
  void print(double time) {
    printed_ = time;
    std::fprintf(stderr, "\r%s", progress_line(done_, total_, time - start_).c_str());
    std::fflush(stderr);
  }

  std::mutex mutex_;
  const std::size_t total_;
  const double start_;
  double printed_ = 0.0;
  std::size_t done_ = 0;
};

// Processes a thread's share of the requests: keeps `streams` requests in flight and produces one output
// token for each in turn, like an engine with continuous batching. A request counts as sent when its stream
// became free (the first ones at `start`), so waiting for the prefill of another request is part of its time
// to first token.
void serve(std::vector<Request>& requests, std::atomic<std::size_t>& next, std::size_t streams, double start,
           const Vector& weights, Progress& progress) {
  struct Stream {
    Request* request = nullptr;
    double free_since = 0.0;
  };
  Vector scratch(kWidth);
  std::vector<Stream> active(streams, Stream{.free_since = start});
  for (bool busy = true; busy;) {
    busy = false;
    for (auto& [request, free_since] : active) {
      if (request == nullptr) {
        const std::size_t index = next.fetch_add(1);
        if (index >= requests.size()) continue;
        request = &requests[index];
        request->times.start = free_since;
        prefill(weights, *request, scratch);
      }
      busy = true;
      step(weights, request->state, scratch, 0, kWidth);
      request->times.tokens.push_back(monotonic_seconds());
      if (request->times.tokens.size() == request->output_tokens) {
        free_since = request->times.tokens.back();
        request = nullptr;
        progress.one_done();
      }
    }
  }
}

struct Run {
  double duration = 0.0;
  double checksum = 0.0;  // printed so that the compiler cannot remove the arithmetic
  std::vector<RequestTimes> requests;
};

Run run(const Point& point, std::size_t threads) {
  const Vector weights = make_weights();
  std::vector<Request> requests = make_requests(point, request_count(point, threads));
  std::atomic<std::size_t> next{0};

  std::puts("Starting main benchmark run...");  // as a serving client: there is no server
  std::fflush(stdout);
  const double start = monotonic_seconds();
  Progress progress(requests.size(), start);
  {
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i < threads; ++i) {
      const std::size_t streams = point.conc / threads + (i < point.conc % threads ? 1 : 0);
      workers.emplace_back([&, streams] { serve(requests, next, streams, start, weights, progress); });
    }
  }
  Run result;
  result.duration = monotonic_seconds() - start;
  for (Request& request : requests) {
    for (const float value : request.state)
      result.checksum += static_cast<double>(value);
    result.requests.push_back(std::move(request.times));
  }
  return result;
}

// --- the result --------------------------------------------------------------------------------------------

using Json = nlohmann::ordered_json;

void add_statistics(Json& json, const std::string& metric, const std::vector<double>& seconds) {
  const Summary summary = summarize(seconds);
  const std::string end = "_" + metric + "_ms";
  json["mean" + end] = summary.mean * 1000.0;
  json["median" + end] = summary.median * 1000.0;
  json["std" + end] = summary.std * 1000.0;
  json["p90" + end] = summary.p90 * 1000.0;
  json["p99" + end] = summary.p99 * 1000.0;
  json["p99.9" + end] = summary.p999 * 1000.0;
}

// The keys of benchmark_serving's result, in its order, followed by the keys that mark it as a measurement of
// a CPU.
Json result_json(const Point& point, const Run& run, const std::string& date) {
  std::size_t input = 0;
  std::size_t output = 0;
  for (const RequestTimes& request : run.requests) {
    input += request.input_tokens;
    output += request.tokens.size();
  }
  const auto per_second = [&](std::size_t count) { return static_cast<double>(count) / run.duration; };
  const Latencies times = latencies(run.requests);
  Json json;
  json["date"] = date;
  json["backend"] = "cpu-smoke";
  json["model_id"] = point.model;
  json["tokenizer_id"] = point.model;
  json["best_of"] = 1;
  json["num_prompts"] = run.requests.size();
  json["request_rate"] = "inf";
  json["burstiness"] = 1.0;
  json["max_concurrency"] = point.conc;
  json["duration"] = run.duration;
  json["completed"] = run.requests.size();
  json["total_input_tokens"] = input;
  json["total_output_tokens"] = output;
  json["request_throughput"] = per_second(run.requests.size());
  json["request_goodput:"] = nullptr;
  json["output_throughput"] = per_second(output);
  json["total_token_throughput"] = per_second(input + output);
  add_statistics(json, "ttft", times.ttft);
  add_statistics(json, "tpot", times.tpot);
  add_statistics(json, "itl", times.itl);
  add_statistics(json, "e2el", times.e2el);
  json["hardware"] = "cpu";
  json["work_scale"] = point.scale;
  return json;
}

std::string date_text() {
  const std::time_t time = std::time(nullptr);
  std::tm local{};
  char text[32] = "";
  if (localtime_r(&time, &local) != nullptr) std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &local);
  return text;
}

int measure() {
  const auto point = read_point();
  if (!point) {
    std::fprintf(stderr, "cpu-smoke: %s\n", point.error().message.c_str());
    return 2;
  }
  const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const std::size_t threads = std::min(cores, point->conc);
  std::puts("hw cpu: this measures this CPU, not an accelerator or a model");
  std::printf(
      "%s: model %s, isl %zu, osl %zu, tp %zu, ep %zu, dp-attention %s, concurrency %zu on %zu threads\n",
      point->exp_name.c_str(), point->model.c_str(), point->isl, point->osl, point->tp, point->ep,
      point->dp_attention.c_str(), point->conc, threads);
  const std::string name = point->result_filename + ".json";
  if (const auto good = check_output_file(name); !good) {
    std::fprintf(stderr, "cpu-smoke: %s\n", good.error().message.c_str());
    return 1;
  }
  const Run result = run(*point, threads);
  const Json json = result_json(*point, result, date_text());
  // A model name comes from the user and may contain any bytes.
  const auto written = write_output_file(
      name, json.dump(-1, ' ', true, Json::error_handler_t::replace) + "\n", 0644, Sync::No);
  if (!written) {
    std::fprintf(stderr, "cpu-smoke: %s\n", written.error().message.c_str());
    return 1;
  }
  std::printf("%zu requests in %.2f s, %.1f tokens/s, checksum %.6f\nwrote %s\n", result.requests.size(),
              result.duration, json["total_token_throughput"].get<double>(), result.checksum, name.c_str());
  return 0;
}

}  // namespace
}  // namespace sweep::bench

int main(int argc, char** argv) {
  sweep::open_standard_streams();
  if (argc > 1) {
    std::fprintf(stderr,
                 "cpu-smoke: unexpected argument '%s'; the point is read from environment variables\n",
                 argv[1]);
    return 2;
  }
  sweep::set_standard_dispositions();
  try {
    return sweep::bench::measure();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "cpu-smoke: %s\n", error.what());
    return 1;
  }
}
