// What the sampling process (agent/io/sampler.hpp) tells the agent: one JSON object a line.
//
// Rules: pure. A library that is not ours has run in the process that wrote a line, so a line is read like a
// peer's message: checked field by field, limited, and refused with a reason, never asserted on.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/core/telemetry.hpp"
#include "util/error.hpp"

namespace sweep::agent {

/// Longer lines are refused.
constexpr std::size_t kMaxReportLine = 64 * 1024;

/// One GPU for the provenance. Texts are empty where unknown.
struct GpuFacts {
  std::string gpu;  // as CUDA_VISIBLE_DEVICES names it
  std::string name, uuid;
  std::string problem;  // why there are no samples of it
  friend bool operator==(const GpuFacts&, const GpuFacts&) = default;
};

/// Comes first, once.
struct NvmlFacts {
  std::string driver;  // its version; empty where unknown
  std::vector<GpuFacts> gpus;
  friend bool operator==(const NvmlFacts&, const NvmlFacts&) = default;
};

/// A GPU that could be read cannot be now. Said once until it can be again.
struct GpuProblem {
  std::string gpu, problem;
  friend bool operator==(const GpuProblem&, const GpuProblem&) = default;
};

/// There are no samples, or no more: why, for the log.
struct TelemetryOff {
  std::string why;
  bool for_good = false;  // starting the sampler again cannot help: there is no NVML, no such GPU
  friend bool operator==(const TelemetryOff&, const TelemetryOff&) = default;
};

using GpuReport = std::variant<NvmlFacts, GpuSample, GpuProblem, TelemetryOff>;

/// With its newline.
std::string to_line(const GpuReport& report);

/// Without its newline. Fails, with what is wrong with it.
Expected<GpuReport> report_in(std::string_view line);

}  // namespace sweep::agent
