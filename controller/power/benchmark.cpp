#include "controller/power/benchmark.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "controller/python/json_text.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kDurationTolerance = 0.5;           // seconds
constexpr double kDurationToleranceFraction = 0.01;  // of the window

// Returns how a message names the value of `key`: `completed is "many"`, or `completed is missing`.
std::string shown_value(const Json& result, const std::string& key) {
  const auto value = result.find(key);
  if (value == result.end()) return key + " is missing";
  return key + " is " + printable(clipped(python::json_text(*value, -1), 60));
}

// Returns a count of at least 1. Adds `reason` and returns 0 if the value is something else.
std::int64_t positive_count(const Json& result, const char* key, const char* reason, BenchmarkReading& out) {
  const auto value = result.find(key);
  if (value != result.end() && value->is_number_integer() && value->get<double>() < 9e18) {
    if (const auto count = value->get<std::int64_t>(); count > 0) return count;
  }
  out.reasons.add(reason);
  out.notes.push_back(shown_value(result, key) + ", expected a whole number above 0");
  return 0;
}

}  // namespace

void Reasons::add(const std::string& reason) {
  if (std::find(all_.begin(), all_.end(), reason) == all_.end()) all_.push_back(reason);
}

void Reasons::add(const Reasons& others) {
  for (const std::string& reason : others.all_)
    add(reason);
}

BenchmarkReading read_benchmark(const Json& result) {
  BenchmarkReading out;
  if (!result.is_object()) {
    out.reasons.add("invalid_benchmark_result");
    out.notes.emplace_back("the benchmark's result is not a JSON object");
    return out;
  }
  Benchmark read;
  const std::pair<const char*, double*> window[] = {{"benchmark_start_time_unix", &read.start},
                                                    {"benchmark_end_time_unix", &read.end},
                                                    {"duration", &read.duration}};
  for (const auto& [key, target] : window) {
    const auto number = python::finite_member(result, key);
    if (number) {
      *target = *number;
      continue;
    }
    out.reasons.add("invalid_benchmark_window");
    out.notes.push_back(shown_value(result, key) + ", expected a number of seconds");
  }
  if (out.reasons.empty() && (read.end <= read.start || read.duration <= 0)) {
    out.reasons.add("invalid_benchmark_window");
    out.notes.push_back(shown_value(result, read.duration <= 0 ? "duration" : "benchmark_end_time_unix") +
                        (read.duration <= 0 ? ", expected more than 0 seconds"
                                            : ", expected a time after benchmark_start_time_unix"));
  }
  if (!out.reasons.empty()) return out;
  const double tolerance = std::max(kDurationTolerance, read.window() * kDurationToleranceFraction);
  if (std::fabs(read.duration - read.window()) > tolerance) {
    out.reasons.add("benchmark_duration_mismatch");
    out.notes.push_back(shown_value(result, "duration") + ", but the window between start and end is " +
                        python::json_text(Json(read.window()), -1) + " s");
  }
  read.completed = positive_count(result, "completed", "invalid_successful_query_count", out);
  read.input_tokens = positive_count(result, "total_input_tokens", "invalid_input_token_count", out);
  read.output_tokens = positive_count(result, "total_output_tokens", "invalid_output_token_count", out);
  out.benchmark = read;
  return out;
}

Json window_json(const std::optional<Benchmark>& benchmark) {
  if (!benchmark) return nullptr;
  return Json{{"start_time_unix", benchmark->start},
              {"end_time_unix", benchmark->end},
              {"reported_duration_s", benchmark->duration},
              {"integration_duration_s", benchmark->window()},
              {"completed", benchmark->completed},
              {"total_input_tokens", benchmark->input_tokens},
              {"total_output_tokens", benchmark->output_tokens}};
}

}  // namespace sweep::power
