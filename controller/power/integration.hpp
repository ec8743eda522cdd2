// Checks the GPU stream of one node against the measured window and integrates it. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/power/benchmark.hpp"
#include "controller/power/gpu_stream.hpp"
#include "controller/power/per_gpu.hpp"

namespace sweep::power {

struct Integration {
  Reasons reasons;
  std::vector<std::string> notes;  // the values behind the reasons
  std::optional<std::int64_t> expected_gpus;
  std::vector<std::string> gpus;
  PerGpu<std::size_t> samples;
  PerGpu<double> largest_gap;               // seconds
  PerGpu<double> energy;                    // joules
  PerGpu<std::vector<std::string>> issues;  // reasons of one GPU
  double total_energy = 0;                  // joules; only valid without reasons
};

/// Adds the reason for an expected number of GPUs that is not above 0.
Integration begin_integration(std::optional<std::int64_t> expected_gpus);

/// Integrates a finished stream over the window of `benchmark` and adds the reasons that are found.
void integrate(const GpuStream& stream, const Benchmark& benchmark, Integration& out);

/// Returns the offset of the zone in which the stream's times without a zone would cover the window, in seconds
/// ahead of UTC; std::nullopt if the times cover it as they are, or in no zone. `assumed` is the offset with
/// which they were read.
std::optional<std::int64_t> fitting_offset(const GpuStream& stream, const Benchmark& benchmark,
                                           std::int64_t assumed);

}  // namespace sweep::power
