// From records to the numbers of the result, as vLLM's benchmark_serving defines them (the contract of
// InferenceMAX, section 4). Pure.
//
// Per request that succeeded: TTFT = first - sent; E2EL = last - sent; TPOT = (E2EL - TTFT) / (tokens - 1)
// where there are two tokens or more; ITL: the gaps between its chunks. Standard deviations are of the
// population, percentiles interpolate linearly between ranks (numpy's defaults), and without a value all of
// them are 0. Failed requests are in none of them.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "benchmarks/sweep-bench/core/options.hpp"
#include "benchmarks/sweep-bench/core/plan.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

/// In the unit of the values.
struct Statistics {
  double mean = 0, median = 0, std = 0;
  std::vector<double> percentiles;  // in the order asked for
};

Statistics statistics(std::vector<double> values, std::span<const double> percentiles);

struct Metrics {
  std::size_t completed = 0, failed = 0;
  std::array<std::size_t, kFailureWords.size()> failures{};
  double duration = 0;                                // seconds
  std::int64_t input_tokens = 0, output_tokens = 0;   // of requests that succeeded
  std::int64_t wanted_input = 0, wanted_output = 0;   // what was asked of the same
  std::size_t without_usage = 0;                      // of them, output counted by chunks
  std::size_t short_outputs = 0;                      // of them, fewer tokens than asked for
  std::size_t good = 0;                               // within every limit of --goodput
  bool simulated = false;                             // a server said so
  std::vector<std::int64_t> input_lens, output_lens;  // of every request; output 0 where it failed
  std::map<std::string, Statistics> latency;          // ttft, tpot, itl, e2el; seconds
  Statistics queue, send_lag;                         // percentiles 50 and 99; seconds
};

/// `records` are those of `plan.requests`, in its order. `begin`, `end`: of the measured run.
Metrics measure(const Setup& setup, const Plan& plan, const std::vector<RequestRecord>& records, Nanos begin,
                Nanos end);

/// Seconds to the first output of a request that has one, else 0.
double ttft_of(const RequestRecord& record);

}  // namespace sweep::client
