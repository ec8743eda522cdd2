#include "agent/core/attempt_gpus.hpp"

#include <algorithm>
#include <cmath>

#include "util/text.hpp"

namespace sweep::agent {

namespace {

std::optional<std::int64_t> rounded(const std::optional<double>& value, double factor) {
  if (!value || !std::isfinite(*value) || *value < 0) return std::nullopt;
  return static_cast<std::int64_t>(std::llround(*value * factor));
}

}  // namespace

bool AttemptGpus::may_start(bool samples_expected, Instant now) {
  if (looked_ || count_ == 0) return true;
  if (!asked_) asked_ = now;
  std::vector<GpuSample> fresh = window_.newest();
  std::erase_if(fresh, [&](const GpuSample& sample) { return sample.at < *asked_; });
  const IdleVerdict verdict = idle_check(fresh);
  const bool all_idle = verdict.idle && fresh.size() == count_;
  if (samples_expected && !all_idle && now < *asked_ + kPatience) return false;
  looked_ = true;
  if (!verdict.idle) flaw_ = "gpus-busy: " + verdict.why;
  return true;
}

std::optional<Instant> AttemptGpus::deadline() const {
  return asked_ && !looked_ ? std::optional(*asked_ + kPatience) : std::nullopt;
}

std::optional<GpuUse> AttemptGpus::use(Instant end) const {
  const auto summary = window_.summary(end);
  if (!summary) return std::nullopt;
  const bool sampled = std::any_of(summary->gpus.begin(), summary->gpus.end(),
                                   [](const GpuSummary& gpu) { return gpu.samples > 0; });
  if (!sampled) return std::nullopt;
  constexpr double kMilli = 1'000;
  GpuUse use;
  use.window = summary->window;
  use.power_mw = rounded(summary->power_w, kMilli);
  use.energy_mj = rounded(summary->energy_j, kMilli);
  use.clock_mhz = rounded(summary->mean_sm_clock_mhz, 1);
  use.max_temperature_c = summary->max_temperature_c;
  use.max_memory_bytes = summary->max_memory_bytes;
  use.throttled = summary->throttle_reasons;
  return use;
}

std::string gpu_names(const std::vector<GpuFacts>& gpus) {
  std::vector<std::pair<std::string, int>> counts;
  for (const GpuFacts& gpu : gpus) {
    if (gpu.name.empty()) continue;
    const auto known =
        std::find_if(counts.begin(), counts.end(), [&](const auto& one) { return one.first == gpu.name; });
    known == counts.end() ? void(counts.emplace_back(gpu.name, 1)) : void(++known->second);
  }
  std::vector<std::string> words;
  words.reserve(counts.size());
  for (const auto& [name, count] : counts)
    words.push_back((count > 1 ? std::to_string(count) + " x " : "") + name);
  return join(words, ", ");
}

}  // namespace sweep::agent
