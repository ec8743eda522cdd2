// What the sampling process (agent/io/sampling_process.hpp) reports to the agent: one JSON object per line.
//
// Rules: pure. NVIDIA's library runs in the process that writes the lines, so a line is treated like a peer's
// message: every field is checked and bounded, and an invalid line is rejected with a reason.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/telemetry.hpp"
#include "util/error.hpp"

namespace sweep::agent {

/// Longer lines are rejected.
constexpr std::size_t kMaxReportLine = std::size_t{64} << 10;

/// One GPU, for the provenance. Texts are empty if unknown.
struct GpuFacts {
  std::string gpu;  // as CUDA_VISIBLE_DEVICES names it
  std::string name, uuid;
  std::string problem;  // why there are no samples of it
  friend bool operator==(const GpuFacts&, const GpuFacts&) = default;
};

/// Comes first, once.
struct NvmlFacts {
  std::string driver;  // its version; empty if unknown
  std::vector<GpuFacts> gpus;
  friend bool operator==(const NvmlFacts&, const NvmlFacts&) = default;
};

/// A GPU cannot be read, although it could before. Reported once, until it can be read again.
struct GpuProblem {
  std::string gpu, problem;
  friend bool operator==(const GpuProblem&, const GpuProblem&) = default;
};

/// There are no samples, or no more. `why` is for the log.
struct TelemetryOff {
  std::string why;
  bool for_good = false;  // starting the sampler again cannot help: there is no NVML, or no such GPU
  friend bool operator==(const TelemetryOff&, const TelemetryOff&) = default;
};

using GpuReport = std::variant<NvmlFacts, GpuSample, GpuProblem, TelemetryOff>;

/// Returns the report as a line, with its newline.
std::string to_line(const GpuReport& report);

/// Parses a line without its newline. Fails with the reason.
Expected<GpuReport> parse_report(std::string_view line);

}  // namespace sweep::agent
