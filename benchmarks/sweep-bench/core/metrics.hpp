// Computes the numbers of the result from the records, as vLLM's benchmark_serving defines them (the contract
// of InferenceMAX, section 4). Pure.
//
// For each successful request: TTFT = first - sent; E2EL = last - sent; TPOT = (E2EL - TTFT) / (tokens - 1)
// if there are at least two tokens; ITL: the gaps between its chunks. Standard deviations are those of the
// population, percentiles interpolate linearly between ranks (numpy's defaults); without a value, all of them
// are 0. Failed requests count in none of them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "benchmarks/statistics.hpp"
#include "benchmarks/sweep-bench/core/options.hpp"
#include "benchmarks/sweep-bench/core/plan.hpp"
#include "benchmarks/sweep-bench/core/record.hpp"

namespace sweep::client {

using bench::Statistics;

struct Metrics {
  std::size_t completed = 0, failed = 0;
  std::array<std::size_t, kFailureWords.size()> failures{};
  double duration = 0;                                     // seconds
  std::int64_t input_tokens = 0, output_tokens = 0;        // of successful requests
  std::int64_t requested_input = 0, requested_output = 0;  // what these requested
  std::size_t without_usage = 0;                           // of these, output tokens counted as chunks
  std::size_t short_outputs = 0;                           // of these, fewer tokens than requested
  std::size_t long_outputs = 0;                            // of these, more tokens than requested
  std::size_t good = 0;                                    // of these, within every limit of --goodput
  bool simulated = false;                                  // at least one response was marked as simulated
  std::vector<std::int64_t> input_lens, output_lens;       // of every request; the output is 0 if it failed
  std::map<std::string, Statistics> latency;               // ttft, tpot, itl, e2el; seconds
  Statistics queue, send_lag;                              // percentiles 50 and 99; seconds
};

/// `records` belong to `plan.requests`, in the same order. `begin` and `end` delimit the measured run.
Metrics measure(const Setup& setup, const Plan& plan, const std::vector<RequestRecord>& records, Nanos begin,
                Nanos end);

/// Returns the seconds until the first output, 0 if there was none.
double ttft_of(const RequestRecord& record);

}  // namespace sweep::client
