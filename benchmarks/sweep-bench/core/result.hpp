// The result file: the keys of vLLM's benchmark_serving (the contract of InferenceMAX, section 4) in its
// order, then ours. Pure.
//
// Ours are texts, counts and ratios at the outermost level (validity is read from them), and all that is in
// milliseconds inside the object `client`: who processes a result takes every outermost key that ends in "ms"
// for a latency of the server.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/lag.hpp"
#include "benchmarks/sweep-bench/core/metrics.hpp"
#include "benchmarks/sweep-bench/core/options.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// More of the requests than this failed: the run has failed, though its result is written.
inline constexpr double kMostFailures = 0.05;

struct RunFacts {
  std::string date;                     // local time, 20251120-140305
  double start_unix = 0, end_unix = 0;  // seconds
  std::string prompt_format;            // "ids" or "text"
};

/// Of all requests, 0 to 1.
double failure_ratio(const Metrics& metrics);

nlohmann::ordered_json result_json(const Setup& setup, const RunFacts& facts, const Metrics& metrics,
                                   const ClientReport& client, const std::vector<RequestRecord>& records);

/// Where it goes: --result-dir/--result-filename, or the name that benchmark_serving makes.
std::string result_path(const Setup& setup, const std::string& date);

}  // namespace sweep::client
