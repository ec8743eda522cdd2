// The GPUs of one attempt, as telemetry sees them: whether they are idle before it starts, what they took
// while it was measured.
//
// Rules: pure. Nothing is claimed without samples: an attempt whose GPUs nobody samples starts at once and is
// not doubted. One whose GPUs are sampled waits for a look at each that was taken after it could have
// started, because what ended right before still shows in older ones; where they are not idle, for kPatience
// at most.
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
  /// GPUs that NVML may know; none: nothing is looked at.
  explicit AttemptGpus(std::vector<std::string> gpus) : count_(gpus.size()), window_(std::move(gpus)) {}

  void add(const GpuSample& sample) { window_.add(sample); }
  /// Whether it may start. `samples_come`: the sampler is running, or about to.
  bool may_start(bool samples_come, Instant now);
  /// Until when may_start() waits, once it has been asked and has said no.
  std::optional<Instant> deadline() const;
  /// Why the result is to be doubted; empty: it is not. For Account::flaws.
  const std::string& flaw() const { return flaw_; }

  /// The measured window begins, perhaps anew.
  void begin(Instant at) { window_.begin(at); }
  /// What was measured until `end`; nothing without a sample in between.
  std::optional<GpuUse> use(Instant end) const;

  static constexpr Millis kPatience{5'000};

 private:
  std::size_t count_;
  TelemetryWindow window_;
  std::optional<Instant> asked_;
  bool looked_ = false;
  std::string flaw_;
};

/// "8 x NVIDIA B200, NVIDIA T4": names in the order in which they come first.
std::string gpu_names(const std::vector<GpuFacts>& gpus);

}  // namespace sweep::agent
