// The process that samples the GPUs once a second: `sweep-agent --telemetry GPU,…`.
//
// Why a process and not a thread: NVML's calls go into the driver. If a GPU has fallen off the bus, they may
// block there for ever, or crash the process. A thread that hangs cannot be ended, and keeps its process
// from ending; a process can be killed, or abandoned if even that does not help, and its crash does no harm.
// The process also keeps the driver's descriptors out of the agent, so that the agent does not count as a user
// of the GPU. It costs one pipe, and one line per GPU and second. The agent's side is gpu_sampler.hpp.
//
// Rules:
// - times are the agent's (clock_offset), so that they can be compared with the agent's own.
// - the process ends when the agent closes the pipe or dies. It starts no process, reads no input and has
//   none of the sweep's secrets.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"
#include "util/time.hpp"

namespace sweep::agent {

struct SamplerSettings {
  std::vector<std::string> gpus;  // as CUDA_VISIBLE_DEVICES names them
  Millis every{1'000};
  Millis clock_offset{0};  // added to the monotonic clock, gives the agent's time
  std::string library;     // empty: NVML's usual name
};

/// Returns the difference between this process's now() and CLOCK_MONOTONIC, which all processes share.
Millis clock_offset();

/// Parses the arguments of --telemetry: GPU,… [EVERY_MS [CLOCK_OFFSET_MS]]. Without GPUs, `environment` names
/// them. Fails with the reason.
Expected<SamplerSettings> parse_sampler_settings(const std::vector<std::string>& words,
                                                 const std::vector<std::string>& environment);

/// Writes reports (gpu_report.hpp) to standard output until its reader is gone: first the facts, then samples;
/// or why there are none. Returns the exit status, which is 0 also if there is no NVML.
int sample_gpus(const SamplerSettings& settings);

}  // namespace sweep::agent
