// Evaluates samples of GPUs: whether they are idle before a point, and a summary of the measured window after
// it.
//
// Rules: pure; times are parameters. What a GPU does not report is absent, never 0. Means are over time:
// between two samples that are at most longest_gap apart a value is interpolated linearly (trapezoid); after
// the last sample it stays constant until the window's end; longer stretches without a sample are gaps and do
// not count. Energy is reported only if at least kLeastCovered of the window is known, and then for the whole
// window.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/core/gpus.hpp"
#include "util/time.hpp"

namespace sweep::agent {

/// One sample of one GPU. A field is absent if the GPU, its driver or the permissions do not provide it.
struct GpuSample {
  Instant at{};
  std::string gpu;  // as CUDA_VISIBLE_DEVICES names it
  std::optional<std::int64_t> power_mw;
  std::optional<std::int64_t> energy_mj;  // a counter since the driver was loaded
  std::optional<std::int64_t> sm_clock_mhz, memory_clock_mhz;
  std::optional<std::int64_t> temperature_c;
  std::optional<std::int64_t> memory_used_bytes;
  // share of time with a running kernel, over about the last second
  std::optional<std::int64_t> utilization_percent;
  std::optional<std::int64_t> throttle_reasons;  // NVML's bits, see throttle_names
  std::optional<std::int64_t> processes;         // that have a compute context on it
  // share of time in which its memory was read or written, over about the last second
  std::optional<std::int64_t> memory_utilization_percent;
  friend bool operator==(const GpuSample&, const GpuSample&) = default;
};

/// Returns the GPUs of `list` that NVML may know; none if AMD's variables named them.
std::vector<std::string> nvidia_gpus(const GpuList& list);

// ---- throttling

/// Returns the bits that mean a lower clock than the load asked for: all except "idle" and those for clocks
/// that a user has set (applications clocks, display clock).
std::int64_t throttling_bits(std::int64_t reasons);

/// Returns the names of the throttling bits in bit order, such as "power cap", "thermal (software)". An
/// unknown bit is "unknown (0x200)". Source: NVIDIA's NVML API reference, nvmlClocksEventReasons.
std::vector<std::string> throttle_names(std::int64_t reasons);

// ---- idle before the start

struct IdleLimits {
  std::int64_t processes = 0;
  std::int64_t utilization_percent = 5;
  // Drivers before 510 count memory that the driver reserves as used: up to about 1 GiB on large GPUs.
  std::int64_t memory_bytes = std::int64_t{2} << 30;
};

struct IdleVerdict {
  bool idle = true;  // as far as the samples show
  std::string why;   // if not idle: one line with GPU, value and limit of each value that is too high
};

/// Checks whether GPUs are idle; `samples` has one sample per GPU. Absent fields are ignored. Not meant for
/// GPUs on which one of the agent's own servers runs. Right after a process has ended, utilization still
/// includes its last second, and its memory is still being freed: check again with the next sample before you
/// report the GPUs as busy.
IdleVerdict idle_check(std::span<const GpuSample> samples, const IdleLimits& limits = {});

// ---- the measured window

constexpr double kLeastCovered = 0.9;

struct ThrottleShare {
  std::string reason;
  double share = 0;  // of the samples that have reasons, in (0, 1]
};

struct GpuSummary {
  std::string gpu;
  std::size_t samples = 0;  // inside the window; if 0, the members below are absent
  std::size_t gaps = 0;
  double covered = 0;  // the part of the window for which power is known, 0 to 1
  std::optional<double> mean_power_w;
  std::optional<double> energy_j;    // of the whole window
  bool energy_from_counter = false;  // false: mean power times the window's length
  std::optional<double> mean_sm_clock_mhz, mean_memory_clock_mhz;
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;
  std::vector<ThrottleShare> throttle;
};

/// The summary over all GPUs of a point. A sum is absent if the value of one GPU is.
struct TelemetrySummary {
  Millis window{0};
  std::vector<GpuSummary> gpus;  // in the order of the window's list
  std::optional<double> power_w, energy_j;
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;  // the highest of any GPU
  std::optional<double> mean_sm_clock_mhz, mean_memory_clock_mhz;   // over the GPUs that report it
  bool throttled = false;
  std::vector<std::string> throttle_reasons;  // of any GPU, each once, in the order of throttle_names
};

/// Returns energy per output token; std::nullopt if the energy is unknown or there are no tokens.
std::optional<double> joules_per_output_token(const TelemetrySummary& summary, std::int64_t output_tokens);

/// Returns an object whose keys are the members' names; absent members are left out.
nlohmann::json to_json(const TelemetrySummary& summary);

/// Integrates a value over time.
class TimeIntegral {
 public:
  void begin(Instant at) { begin_ = at; }
  /// Adds a value. One that is not later than the previous value is ignored.
  void add(Instant at, double value, Millis longest_gap);
  void end(Instant at, Millis longest_gap);
  double seconds() const { return seconds_; }  // for which the value is known
  std::optional<double> mean() const;

 private:
  std::optional<Instant> begin_;
  Instant last_at_{};
  std::optional<double> last_;
  double area_ = 0, seconds_ = 0;
};

/// Collects the samples of an attempt's GPUs from its construction on. Samples before begin() serve to
/// interpolate the values at begin(), and for idle_check.
class TelemetryWindow {
 public:
  explicit TelemetryWindow(std::vector<std::string> gpus, Millis longest_gap = Millis{3'000});

  /// Begins the measured window. A second call begins it again and forgets what was measured.
  void begin(Instant at);
  bool begun() const { return begin_.has_value(); }
  /// Adds a sample. Ignores samples of GPUs that are not in the list, and those not later than that GPU's
  /// last one.
  void add(const GpuSample& sample);
  /// Returns the newest sample of each GPU that has one.
  std::vector<GpuSample> newest() const;
  /// Returns the summary of the window up to `end`; std::nullopt if it has not begun. The window can be used
  /// further.
  std::optional<TelemetrySummary> summary(Instant end) const;

 private:
  struct Counter {
    std::optional<double> start;  // mJ
    Instant start_at{}, last_at{};
    double last = 0;
    bool broken = false;  // it went backwards: the driver was reloaded
    bool seen = false;
  };
  struct Gpu {
    TimeIntegral power, sm_clock, memory_clock;
    Counter counter;
    std::optional<GpuSample> last;
    std::size_t samples = 0, gaps = 0, with_reasons = 0;
    std::map<std::int64_t, std::size_t> reasons;  // bit -> number of samples with it
    std::optional<std::int64_t> max_temperature, max_memory;
  };

  void count(Gpu& gpu, Counter& counter, const GpuSample& sample) const;
  bool is_gap(const Gpu& gpu, Instant until) const;
  GpuSummary summarize(const std::string& id, Gpu gpu, Instant end) const;
  std::optional<double> counted_energy(const Counter& counter, Instant end) const;

  std::vector<std::string> ids_;
  std::map<std::string, Gpu> gpus_;
  Millis longest_gap_;
  std::optional<Instant> begin_;
};

}  // namespace sweep::agent
