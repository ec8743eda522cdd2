// Samples of the GPUs, taken once a second by a process of their own: `sweep-agent --telemetry GPU,…`.
//
// Why a process and no thread: NVML's calls go into the driver, and with a GPU that has fallen off the bus
// they may wait there for ever, or bring their process down. A thread that hangs so cannot be ended, and
// keeps its process from ending; a process can be killed, or left behind where even that does not help, and
// its crash harms nobody. It also keeps the driver's descriptors out of the agent, and so does not count as a
// user of the GPU in the agent's name. It costs one pipe and one line per GPU and second.
//
// Rules:
// - the agent waits for nothing: lines come through its event loop. A sampler that is silent for too long is
//   killed and its absence told; nobody waits for its end.
// - it is told in the agent's time (clock_offset), so that stamps of both can be compared.
// - the process ends when the agent closes the pipe or dies. It makes no process of its own, reads nothing
// and has
//   none of the sweep's secrets.
// - it is collected with the agent's other children, which must be told that it belongs to no attempt
//   (Children::spare).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/gpu_report.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

struct SamplerSettings {
  std::vector<std::string> gpus;  // as CUDA_VISIBLE_DEVICES names them
  Millis every{1'000};
  Millis clock_offset{0};  // what to add to the monotonic clock to have the agent's time
  std::string library;     // empty: NVML's usual name
};

/// What to add to CLOCK_MONOTONIC, which all processes share, to have this process's now().
Millis clock_offset();

// ---- the process

/// The settings in what stands behind --telemetry: GPU,… [EVERY_MS [CLOCK_OFFSET_MS]]. Without GPUs those
/// that `environment` gives. Fails with what is wrong with them.
Expected<SamplerSettings> sampler_settings(const std::vector<std::string>& words,
                                           const std::vector<std::string>& environment);

/// Writes reports (gpu_report.hpp) to standard output until its reader is gone: facts, then samples, or why
/// there are none. Returns the exit status, which is 0 where there is no NVML, too.
int sample_gpus(const SamplerSettings& settings);

// ---- the agent's side

class GpuSampler {
 public:
  using Tell = std::function<void(GpuReport)>;

  explicit GpuSampler(EventLoop& loop) : loop_(loop) {}
  ~GpuSampler() { stop(); }
  GpuSampler(const GpuSampler&) = delete;
  GpuSampler& operator=(const GpuSampler&) = delete;

  /// Starts `program` (the words that run sweep-agent) for `settings`. Does nothing while one runs, after one
  /// has said that there is nothing to measure for good, and after kMostFailures. Its reports are told from
  /// the loop (and from on_time, and from here where nothing could be started); the last one is TelemetryOff,
  /// unless stop() is called before. `tell` may call stop(), but not this.
  void start(const std::vector<std::string>& program, const SamplerSettings& settings,
             const std::vector<std::string>& environment, Tell tell);
  bool running() const { return child_.has_value(); }
  /// Its process, for Children::spare, while it runs.
  std::optional<pid_t> pid() const { return child_ ? std::optional(child_->pid) : std::nullopt; }
  /// When on_time() has something to do.
  std::optional<Instant> deadline() const { return child_ ? std::optional(deadline_) : std::nullopt; }
  void on_time(Instant now);
  /// Kills it.
  void stop();

  /// One that hangs may be there for ever: not one more of them for each point.
  static constexpr int kMostFailures = 3;
  /// How long it may be silent: until its first line, as initialising a driver takes time; and later.
  static constexpr Millis kFirstLine{60'000}, kSilence{15'000};

 private:
  Expected<void> spawn_it(const std::vector<std::string>& program, const SamplerSettings& settings,
                          const std::vector<std::string>& environment);
  void read();
  void take(std::string_view line);
  void off(TelemetryOff why);

  EventLoop& loop_;
  Tell tell_;
  Instant deadline_{};
  Millis silence_{kSilence};
  std::optional<Child> child_;
  Fd out_;
  std::string text_;  // of a line that has not come whole
  int failures_ = 0;
  bool for_good_ = false;
};

}  // namespace sweep::agent
