// Formats samples of GPUs as the CSV file of InferenceX's GPU monitor, so that tools which read gpu_metrics.csv
// can read samples of the agent. Pure.
//
// The columns are those of
//   nvidia-smi --query-gpu=timestamp,index,power.draw,temperature.gpu,clocks.current.sm,clocks.current.memory,
//              utilization.gpu,utilization.memory --format=csv
// with one difference: a time has its zone (UTC), because the local time that nvidia-smi writes is read wrongly
// in another zone. InferenceX's tools and sweepctl aggregate-power accept both.
#pragma once

#include <string>
#include <string_view>

#include "agent/core/telemetry.hpp"

namespace sweep::agent {

/// The first line, with its line feed.
constexpr std::string_view kGpuMetricsHeader =
    "timestamp, index, power.draw [W], temperature.gpu, clocks.current.sm [MHz], clocks.current.memory [MHz], "
    "utilization.gpu [%], utilization.memory [%]\n";

/// Returns the line of one sample, with its line feed. A value that the GPU does not report is [N/A], as
/// nvidia-smi writes it. The index is the GPU's id, a number or a UUID.
std::string gpu_metrics_line(const GpuSample& sample);

}  // namespace sweep::agent
