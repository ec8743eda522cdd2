#include "agent/core/gpu_metrics.hpp"

#include <algorithm>

#include "agent/core/gpu_metrics_csv.hpp"
#include "util/environment.hpp"

namespace sweep::agent {

std::string GpuMetrics::begin(const std::vector<GpuSample>& newest) {
  if (gpus_.empty() || begun_) return {};
  begun_ = true;
  std::string out(kGpuMetricsHeader);
  for (const GpuSample& sample : newest)
    out += add(sample);
  return out;
}

std::string GpuMetrics::add(const GpuSample& sample) {
  if (!begun_ || std::find(gpus_.begin(), gpus_.end(), sample.gpu) == gpus_.end()) return {};
  const auto [last, first] = last_.try_emplace(sample.gpu, sample.at);
  if (!first && sample.at <= last->second) return {};
  // One sample after the end is enough: it closes the window.
  if (!first && ended_ && last->second >= *ended_) return {};
  last->second = sample.at;
  return gpu_metrics_line(sample);
}

bool GpuMetrics::done(Instant now) const {
  if (!ended_ || now >= *ended_ + kLongestGap) return true;
  return std::all_of(last_.begin(), last_.end(), [&](const auto& gpu) {
    // A GPU that has not been sampled for so long will not be sampled soon.
    return gpu.second >= *ended_ || gpu.second < *ended_ - kLongestGap;
  });
}

std::optional<Instant> GpuMetrics::deadline() const {
  return ended_ ? std::optional(*ended_ + kLongestGap) : std::nullopt;
}

std::string gpu_metrics_name(const std::vector<std::string>& own,
                             const std::vector<std::pair<std::string, std::string>>& lease) {
  std::string out = look_up(own, kMetricsVariable).value_or("");
  for (const auto& [name, value] : lease) {
    if (name == kMetricsVariable) out = value;
  }
  return out.empty() ? "gpu_metrics.csv" : out;
}

}  // namespace sweep::agent
