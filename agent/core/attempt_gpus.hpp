// What telemetry shows about the GPUs of one attempt: whether they are idle before it starts, and what they
// consumed while it was measured.
//
// Rules: pure. Without samples nothing is concluded: an attempt whose GPUs are not sampled starts at once and
// gets no flaw. If they are sampled, the attempt waits for a sample of each GPU that was taken after it could
// have started, because older samples still show the previous work. If the GPUs are not idle, it waits for
// kPatience at most.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/core/gpu_report.hpp"
#include "agent/core/telemetry.hpp"
#include "proto/base/account.hpp"

namespace sweep::agent {

class AttemptGpus {
 public:
  /// `gpus`: the GPUs that NVML may know; empty: none is sampled.
  explicit AttemptGpus(std::vector<std::string> gpus) : count_(gpus.size()), window_(std::move(gpus)) {}

  void add(const GpuSample& sample) { window_.add(sample); }
  /// Returns the newest sample of each GPU.
  std::vector<GpuSample> newest() const { return window_.newest(); }
  /// Returns true if the attempt may start. `samples_expected`: the sampler is running, or will be soon.
  bool may_start(bool samples_expected, Instant now);
  /// Returns until when may_start() returns false; std::nullopt if it was not called yet or has returned
  /// true.
  std::optional<Instant> deadline() const;
  /// Returns the flaw of the result (Account::flaws); empty if there is none.
  const std::string& flaw() const { return flaw_; }

  /// Begins the measured window; if it has begun before, it begins again.
  void begin(Instant at) { window_.begin(at); }
  /// Returns what was measured up to `end`; std::nullopt if there was no sample.
  std::optional<GpuUse> use(Instant end) const;

  static constexpr Millis kPatience{5'000};

 private:
  std::size_t count_;
  TelemetryWindow window_;
  std::optional<Instant> asked_;
  bool looked_ = false;
  std::string flaw_;
};

/// Returns "8 x NVIDIA B200, NVIDIA T4": the names in the order of their first appearance.
std::string gpu_names(const std::vector<GpuFacts>& gpus);

}  // namespace sweep::agent
