// A benchmark's client and the simulated engine together, in virtual time: what a point of a sweep would
// take. Pure, deterministic under a seed, and simulated: its numbers are of the model in
// docs/simulated-server.md alone.
#pragma once

#include <cstdint>

#include "benchmarks/stats.hpp"
#include "benchmarks/sweep-simserver/core/engine.hpp"

namespace sweep::sim_server {

/// What InferenceMAX's client is told.
struct ClosedLoop {
  std::uint32_t concurrency = 1;  ///< requests in flight at any time
  std::uint32_t num_prompts = 1;
  std::uint32_t isl = 1024, osl = 1024;
  double range_ratio = 0.8;  ///< lengths are drawn evenly from [ratio x length, length]
  std::uint64_t seed = 0;
};

/// What it would measure. Seconds and tokens per second, simulated.
struct ClosedLoopResult {
  double duration = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0;
  double output_throughput = 0, total_throughput = 0, request_throughput = 0;
  bench::Summary ttft, tpot, e2el;
  Load load;  ///< of the engine at the end
};

/// Plays the benchmark to its end: the next request is sent the moment that one ends. Fails when the setup
/// makes no sense, the weights do not fit, or a request could never run. May be called from any thread.
Expected<ClosedLoopResult> simulate_closed_loop(const Deployment& setup, const Limits& limits,
                                                const ClosedLoop& loop);

}  // namespace sweep::sim_server
