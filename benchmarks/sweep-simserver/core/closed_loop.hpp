// Simulates a benchmark client and the engine together, in virtual time: how long a point of a sweep would
// take. Pure and deterministic for a given seed. All numbers come from the model in docs/simulated-server.md;
// none is a measurement.
#pragma once

#include <cstdint>

#include "benchmarks/statistics.hpp"
#include "benchmarks/sweep-simserver/core/engine.hpp"

namespace sweep::sim_server {

/// The parameters of InferenceMAX's client.
struct ClosedLoop {
  std::uint32_t concurrency = 1;  ///< number of requests in flight at any time
  std::uint32_t num_prompts = 1;
  std::uint32_t isl = 1024, osl = 1024;
  double range_ratio = 0.8;  ///< lengths are drawn evenly from [ratio x length, length]
  std::uint64_t seed = 0;
};

/// What the client would measure. Seconds and tokens per second, simulated.
struct ClosedLoopResult {
  double duration = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0;
  double output_throughput = 0, total_throughput = 0, request_throughput = 0;
  bench::Summary ttft, tpot, e2el;
  Load load;  ///< the engine's state at the end
};

/// Simulates the whole benchmark: each time a request ends, the next one is sent. Fails if the setup is
/// inconsistent, the weights do not fit, or a request could never run. May be called from any thread.
Expected<ClosedLoopResult> simulate_closed_loop(const Deployment& setup, const Limits& limits,
                                                const ClosedLoop& loop);

}  // namespace sweep::sim_server
