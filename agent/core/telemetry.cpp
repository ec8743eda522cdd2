#include "agent/core/telemetry.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::agent {

namespace {

constexpr double kMillisPerSecond = 1000.0;
constexpr double kMilli = 1000.0;  // mW per W, mJ per J
constexpr std::int64_t kMiB = std::int64_t{1} << 20;

struct Reason {
  std::int64_t bit;
  std::string_view name;
};
constexpr std::int64_t kIdle = 0x1, kApplicationsClocks = 0x2, kDisplayClock = 0x100;
constexpr std::int64_t kNoThrottling = kIdle | kApplicationsClocks | kDisplayClock;
constexpr std::array<Reason, 6> kReasons = {{{0x4, "power cap"},
                                             {0x8, "hardware slowdown"},
                                             {0x10, "sync boost"},
                                             {0x20, "thermal (software)"},
                                             {0x40, "thermal (hardware)"},
                                             {0x80, "power brake"}}};

double seconds_of(Instant from, Instant to) {
  return static_cast<double>((to - from).count()) / kMillisPerSecond;
}

void raise(std::optional<std::int64_t>& most, const std::optional<std::int64_t>& value) {
  if (value && (!most || *value > *most)) most = value;
}

// Returns the sum over all GPUs; std::nullopt if one of them has no value.
template <class Member>
std::optional<double> sum_of(const std::vector<GpuSummary>& gpus, Member member) {
  if (gpus.empty()) return std::nullopt;
  double sum = 0;
  for (const GpuSummary& gpu : gpus) {
    if (!(gpu.*member)) return std::nullopt;
    sum += *(gpu.*member);
  }
  return sum;
}

template <class Member>
std::optional<double> mean_of(const std::vector<GpuSummary>& gpus, Member member) {
  double sum = 0;
  int count = 0;
  for (const GpuSummary& gpu : gpus) {
    if (gpu.*member) sum += *(gpu.*member), ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / count;
}

template <class T>
void put(nlohmann::json& object, const char* key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

nlohmann::json to_json(const GpuSummary& gpu) {
  nlohmann::json out{
      {"gpu", gpu.gpu}, {"samples", gpu.samples}, {"gaps", gpu.gaps}, {"covered", gpu.covered}};
  put(out, "mean_power_w", gpu.mean_power_w);
  put(out, "energy_j", gpu.energy_j);
  if (gpu.energy_j) out["energy_from_counter"] = gpu.energy_from_counter;
  put(out, "mean_sm_clock_mhz", gpu.mean_sm_clock_mhz);
  put(out, "mean_memory_clock_mhz", gpu.mean_memory_clock_mhz);
  put(out, "max_temperature_c", gpu.max_temperature_c);
  put(out, "max_memory_bytes", gpu.max_memory_bytes);
  nlohmann::json throttle = nlohmann::json::object();
  for (const ThrottleShare& one : gpu.throttle)
    throttle[one.reason] = one.share;
  if (!throttle.empty()) out["throttle"] = std::move(throttle);
  return out;
}

std::vector<std::string> complaints(const GpuSample& sample, const IdleLimits& limits) {
  std::vector<std::string> out;
  if (sample.processes && *sample.processes > limits.processes) {
    out.push_back("has " + std::to_string(*sample.processes) + " compute processes (limit " +
                  std::to_string(limits.processes) + ")");
  }
  if (sample.utilization_percent && *sample.utilization_percent > limits.utilization_percent) {
    out.push_back("is " + std::to_string(*sample.utilization_percent) + " % busy (limit " +
                  std::to_string(limits.utilization_percent) + " %)");
  }
  if (sample.memory_used_bytes && *sample.memory_used_bytes > limits.memory_bytes) {
    out.push_back("has " + std::to_string(*sample.memory_used_bytes / kMiB) +
                  " MiB of memory in use (limit " + std::to_string(limits.memory_bytes / kMiB) + " MiB)");
  }
  return out;
}

}  // namespace

std::vector<std::string> nvidia_gpus(const GpuList& list) {
  const bool amd = list.variable == "ROCR_VISIBLE_DEVICES" || list.variable == "HIP_VISIBLE_DEVICES";
  return amd ? std::vector<std::string>() : list.ids;
}

// ---- throttling

std::int64_t throttling_bits(std::int64_t reasons) {
  return reasons & ~kNoThrottling;
}

std::vector<std::string> throttle_names(std::int64_t reasons) {
  std::vector<std::string> names;
  std::int64_t left = throttling_bits(reasons);
  for (const Reason& reason : kReasons) {
    if ((left & reason.bit) != 0) names.emplace_back(reason.name);
    left &= ~reason.bit;
  }
  if (left != 0) {
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "unknown (0x%llx)", static_cast<unsigned long long>(left));
    names.emplace_back(text.data());
  }
  return names;
}

// ---- idle

IdleVerdict idle_check(std::span<const GpuSample> samples, const IdleLimits& limits) {
  std::vector<std::string> busy;
  for (const GpuSample& sample : samples) {
    const auto why = complaints(sample, limits);
    if (!why.empty()) busy.push_back("GPU " + printable(sample.gpu) + " " + join(why, ", "));
  }
  return {busy.empty(), join(busy, "; ")};
}

// ---- the integral

void TimeIntegral::add(Instant at, double value, Millis longest_gap) {
  if (last_ && at <= last_at_) return;
  if (begin_ && last_ && at > *begin_ && at - last_at_ <= longest_gap) {
    const Instant from = std::max(last_at_, *begin_);
    const double part = seconds_of(last_at_, from) / seconds_of(last_at_, at);
    const double left = *last_ + (value - *last_) * part;
    area_ += (left + value) / 2 * seconds_of(from, at);
    seconds_ += seconds_of(from, at);
  }
  last_at_ = at;
  last_ = value;
}

void TimeIntegral::end(Instant at, Millis longest_gap) {
  if (begin_ && last_ && at > last_at_ && last_at_ >= *begin_ && at - last_at_ <= longest_gap) {
    area_ += *last_ * seconds_of(last_at_, at);
    seconds_ += seconds_of(last_at_, at);
  }
}

std::optional<double> TimeIntegral::mean() const {
  if (seconds_ <= 0) return std::nullopt;
  return area_ / seconds_;
}

// ---- the window

TelemetryWindow::TelemetryWindow(std::vector<std::string> gpus, Millis longest_gap)
    : ids_(std::move(gpus)), longest_gap_(longest_gap) {
  for (const std::string& id : ids_)
    gpus_.try_emplace(id);
}

void TelemetryWindow::begin(Instant at) {
  begin_ = at;
  for (auto& [id, gpu] : gpus_) {
    auto last = std::move(gpu.last);
    gpu = Gpu{};
    gpu.power.begin(at);
    gpu.sm_clock.begin(at);
    gpu.memory_clock.begin(at);
    if (last) add(*last);
  }
}

void TelemetryWindow::add(const GpuSample& sample) {
  const auto found = gpus_.find(sample.gpu);
  if (found == gpus_.end()) return;
  Gpu& gpu = found->second;
  if (gpu.last && sample.at <= gpu.last->at) return;
  const auto integrate = [&](TimeIntegral& integral, const std::optional<std::int64_t>& value) {
    if (value) integral.add(sample.at, static_cast<double>(*value), longest_gap_);
  };
  integrate(gpu.power, sample.power_mw);
  integrate(gpu.sm_clock, sample.sm_clock_mhz);
  integrate(gpu.memory_clock, sample.memory_clock_mhz);
  count(gpu, gpu.counter, sample);
  gpu.last = sample;
}

// Updates what is counted by samples, not by time, and the energy counter.
void TelemetryWindow::count(Gpu& gpu, Counter& counter, const GpuSample& sample) const {
  const bool inside = begin_ && sample.at >= *begin_;
  if (sample.energy_mj) {
    const auto value = static_cast<double>(*sample.energy_mj);
    if (counter.seen && value < counter.last) counter.broken = true;
    if (inside && !counter.start) {
      counter.start = value;
      counter.start_at = sample.at;
      if (counter.seen && sample.at - counter.last_at <= longest_gap_) {  // interpolates the value at begin()
        const double part = seconds_of(counter.last_at, *begin_) / seconds_of(counter.last_at, sample.at);
        counter.start = counter.last + (value - counter.last) * part;
        counter.start_at = *begin_;
      }
    }
    counter.last = value;
    counter.last_at = sample.at;
    counter.seen = true;
  }
  if (!inside) return;
  if (is_gap(gpu, sample.at)) ++gpu.gaps;
  ++gpu.samples;
  raise(gpu.max_temperature, sample.temperature_c);
  raise(gpu.max_memory, sample.memory_used_bytes);
  if (!sample.throttle_reasons) return;
  ++gpu.with_reasons;
  for (std::int64_t bits = throttling_bits(*sample.throttle_reasons); bits != 0; bits &= bits - 1)
    ++gpu.reasons[bits & -bits];
}

bool TelemetryWindow::is_gap(const Gpu& gpu, Instant until) const {
  return until - (gpu.last ? std::max(gpu.last->at, *begin_) : *begin_) > longest_gap_;
}

std::vector<GpuSample> TelemetryWindow::newest() const {
  std::vector<GpuSample> out;
  for (const std::string& id : ids_) {
    if (const auto& last = gpus_.at(id).last) out.push_back(*last);
  }
  return out;
}

std::optional<double> TelemetryWindow::counted_energy(const Counter& counter, Instant end) const {
  if (counter.broken || !counter.start) return std::nullopt;
  const double known = seconds_of(counter.start_at, counter.last_at);
  const double window = seconds_of(*begin_, end);
  const double energy = counter.last - *counter.start;
  // The counter of some virtual GPUs does not move.
  if (energy <= 0 || known < kLeastCovered * window) return std::nullopt;
  return energy / kMilli * window / known;
}

GpuSummary TelemetryWindow::summarize(const std::string& id, Gpu gpu, Instant end) const {
  GpuSummary out;
  out.gpu = id;
  out.samples = gpu.samples;
  out.gaps = gpu.gaps + (is_gap(gpu, end) ? 1 : 0);
  if (gpu.samples == 0) return out;
  for (TimeIntegral* integral : {&gpu.power, &gpu.sm_clock, &gpu.memory_clock})
    integral->end(end, longest_gap_);
  const double window = seconds_of(*begin_, end);
  if (const auto mean = gpu.power.mean()) out.mean_power_w = *mean / kMilli;
  if (window > 0) out.covered = std::min(1.0, gpu.power.seconds() / window);
  out.energy_j = counted_energy(gpu.counter, end);
  out.energy_from_counter = out.energy_j.has_value();
  if (!out.energy_j && out.mean_power_w && out.covered >= kLeastCovered)
    out.energy_j = *out.mean_power_w * window;
  out.mean_sm_clock_mhz = gpu.sm_clock.mean();
  out.mean_memory_clock_mhz = gpu.memory_clock.mean();
  out.max_temperature_c = gpu.max_temperature;
  out.max_memory_bytes = gpu.max_memory;
  for (const auto& [bit, samples] : gpu.reasons) {
    out.throttle.push_back(
        {throttle_names(bit).front(), static_cast<double>(samples) / static_cast<double>(gpu.with_reasons)});
  }
  return out;
}

std::optional<TelemetrySummary> TelemetryWindow::summary(Instant end) const {
  if (!begin_) return std::nullopt;
  TelemetrySummary out;
  out.window = std::max(end - *begin_, Millis{0});
  std::int64_t reasons = 0;
  for (const std::string& id : ids_) {
    const Gpu& gpu = gpus_.at(id);
    for (const auto& [bit, samples] : gpu.reasons)
      reasons |= bit;
    out.gpus.push_back(summarize(id, gpu, end));
    raise(out.max_temperature_c, out.gpus.back().max_temperature_c);
    raise(out.max_memory_bytes, out.gpus.back().max_memory_bytes);
  }
  out.power_w = sum_of(out.gpus, &GpuSummary::mean_power_w);
  out.energy_j = sum_of(out.gpus, &GpuSummary::energy_j);
  out.mean_sm_clock_mhz = mean_of(out.gpus, &GpuSummary::mean_sm_clock_mhz);
  out.mean_memory_clock_mhz = mean_of(out.gpus, &GpuSummary::mean_memory_clock_mhz);
  out.throttle_reasons = throttle_names(reasons);
  out.throttled = !out.throttle_reasons.empty();
  return out;
}

std::optional<double> joules_per_output_token(const TelemetrySummary& summary, std::int64_t output_tokens) {
  if (!summary.energy_j || output_tokens <= 0) return std::nullopt;
  return *summary.energy_j / static_cast<double>(output_tokens);
}

nlohmann::json to_json(const TelemetrySummary& summary) {
  nlohmann::json out{{"window_ms", summary.window.count()},
                     {"throttled", summary.throttled},
                     {"throttle_reasons", summary.throttle_reasons}};
  put(out, "power_w", summary.power_w);
  put(out, "energy_j", summary.energy_j);
  put(out, "max_temperature_c", summary.max_temperature_c);
  put(out, "max_memory_bytes", summary.max_memory_bytes);
  put(out, "mean_sm_clock_mhz", summary.mean_sm_clock_mhz);
  put(out, "mean_memory_clock_mhz", summary.mean_memory_clock_mhz);
  nlohmann::json gpus = nlohmann::json::array();
  for (const GpuSummary& gpu : summary.gpus)
    gpus.push_back(to_json(gpu));
  out["gpus"] = std::move(gpus);
  return out;
}

}  // namespace sweep::agent
