// The agent's side of GPU sampling: starts the sampling process (sampling_process.hpp) and reads its reports.
//
// Rules:
// - the agent never waits for the process: its lines arrive through the event loop. A process that is silent
//   for too long is killed and reported as off, without waiting for its end.
// - the process is collected with the agent's other children. Children::ignore_helper must be called for it,
//   because it belongs to no attempt.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/gpu_report.hpp"
#include "agent/io/sampling_process.hpp"
#include "proto/net/event_loop.hpp"
#include "util/os/process.hpp"

namespace sweep::agent {

class GpuSampler {
 public:
  using OnReport = std::function<void(GpuReport)>;

  explicit GpuSampler(EventLoop& loop) : loop_(loop) {}
  ~GpuSampler() { stop(); }
  GpuSampler(const GpuSampler&) = delete;
  GpuSampler& operator=(const GpuSampler&) = delete;

  /// Starts the process with `program` (the words that run sweep-agent). No-op while it runs, after it has
  /// reported that there is nothing to measure for good, and after kMostFailures. Calls `on_report` from the
  /// loop and from on_deadline(), and from here if the process cannot be started. The last report is
  /// TelemetryOff, unless stop() is called first. `on_report` may call stop(), but not start().
  void start(const std::vector<std::string>& program, const SamplerSettings& settings,
             const std::vector<std::string>& environment, OnReport on_report);
  bool running() const { return child_.has_value(); }
  /// Returns the process's id while it runs, for Children::ignore_helper.
  std::optional<pid_t> pid() const { return child_ ? std::optional(child_->pid) : std::nullopt; }
  /// Returns when on_deadline() is due.
  std::optional<Instant> deadline() const { return child_ ? std::optional(deadline_) : std::nullopt; }
  void on_deadline(Instant now);
  /// Kills the process.
  void stop();

  /// A process that hangs may stay for ever, so not every point may start another one.
  static constexpr int kMostFailures = 3;
  /// How long the process may be silent: before its first line, because initialising a driver takes time; and
  /// after it.
  static constexpr Millis kFirstLine{60'000}, kSilence{15'000};

 private:
  Expected<void> spawn_process(const std::vector<std::string>& program, const SamplerSettings& settings,
                               const std::vector<std::string>& environment);
  void read();
  void take(std::string_view line);
  void off(TelemetryOff why);

  EventLoop& loop_;
  OnReport on_report_;
  Instant deadline_{};
  Millis silence_{kSilence};
  std::optional<Child> child_;
  Fd out_;
  std::string text_;  // the beginning of a line that has not arrived completely
  int failures_ = 0;
  bool for_good_ = false;
};

}  // namespace sweep::agent
