// Builds the result file: the keys of vLLM's benchmark_serving (the contract of InferenceMAX, section 4) in
// its order, then additional keys. Pure.
//
// Additional keys at the top level are texts, counts and ratios (the validity check reads them). All
// additional values in milliseconds are inside the object `client`, because tools that process a result treat
// every top-level key that ends in "ms" as a latency of the server.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/lag.hpp"
#include "benchmarks/sweep-bench/core/metrics.hpp"
#include "benchmarks/sweep-bench/core/options.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// If a larger fraction of the requests fails, the run has failed, although its result is written.
inline constexpr double kMaxFailureRatio = 0.05;

struct RunFacts {
  std::string date;                     // local time, 20251120-140305
  double start_unix = 0, end_unix = 0;  // seconds
  std::string prompt_format;            // "ids" or "text"
};

/// Returns the fraction of requests that failed, 0 to 1.
double failure_ratio(const Metrics& metrics);

nlohmann::ordered_json result_json(const Setup& setup, const RunFacts& facts, const Metrics& metrics,
                                   const ClientReport& client, const std::vector<RequestRecord>& records);

/// Returns the path of the result file: --result-dir/--result-filename, or the name that benchmark_serving
/// generates.
std::string result_path(const Setup& setup, const std::string& date);

}  // namespace sweep::client
