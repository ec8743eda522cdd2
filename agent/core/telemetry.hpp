// What GPUs say of themselves: samples in; out comes whether they are idle before a point, and one summary of
// the measured window after it.
//
// Rules: pure, times are handed in. What a GPU does not tell is absent, never 0. Means are over time: between
// two samples that lie no further apart than longest_gap a value goes in a straight line (trapezoid), after
// the last one it stays until the window's end; longer stretches without a sample are gaps and count for
// nothing. Energy is said only where at least kLeastCovered of the window is known, and is then that of all
// of it.
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

/// One look at one GPU. A field is absent where the GPU, its driver or the permissions do not give it.
struct GpuSample {
  Instant at{};
  std::string gpu;  // as CUDA_VISIBLE_DEVICES names it
  std::optional<std::int64_t> power_mw;
  std::optional<std::int64_t> energy_mj;  // a counter, since the driver was loaded
  std::optional<std::int64_t> sm_clock_mhz, memory_clock_mhz;
  std::optional<std::int64_t> temperature_c;
  std::optional<std::int64_t> memory_used_bytes;
  std::optional<std::int64_t> utilization_percent;  // of time with a kernel running, of about the last second
  std::optional<std::int64_t> throttle_reasons;     // NVML's bits, see throttle_names
  std::optional<std::int64_t> processes;            // that have a compute context on it
  friend bool operator==(const GpuSample&, const GpuSample&) = default;
};

/// Those of `list` that NVML can know; none where AMD's variables named them.
std::vector<std::string> nvidia_gpus(const GpuList& list);

// ---- throttling

/// The bits that mean a clock lower than the load asked for: all but "idle" and those that say that somebody
/// has set the clock (applications clocks, display clock).
std::int64_t throttling_bits(std::int64_t reasons);

/// Their names, in the order of the bits: "power cap", "thermal (software)". A bit that this program does not
/// know is "unknown (0x200)". Source: NVIDIA's NVML API reference, nvmlClocksEventReasons.
std::vector<std::string> throttle_names(std::int64_t reasons);

// ---- idle before the start

struct IdleLimits {
  std::int64_t processes = 0;
  std::int64_t utilization_percent = 5;
  // What the driver keeps for itself counts as used on drivers before 510: up to about 1 GiB on large GPUs.
  std::int64_t memory_bytes = std::int64_t{2} << 30;
};

struct IdleVerdict {
  bool idle = true;  // so far as the samples tell
  std::string why;   // not idle: one line with GPU, value and bound of each that is not
};

/// Whether the GPUs of `samples`, which are one per GPU, do nothing. What a sample does not tell is no
/// argument. Not for GPUs on which a server of the agent's own is running; and right after a process has
/// ended, utilization still tells of its last second, and memory is being given back: look again at the next
/// sample before a point is held to be spoilt.
IdleVerdict idle_check(std::span<const GpuSample> samples, const IdleLimits& limits = {});

// ---- the measured window

constexpr double kLeastCovered = 0.9;

struct ThrottleShare {
  std::string reason;
  double share = 0;  // of the samples that tell reasons, in (0, 1]
};

struct GpuSummary {
  std::string gpu;
  std::size_t samples = 0;  // inside the window; without one there is nothing below
  std::size_t gaps = 0;
  double covered = 0;  // what part of the window power is known of, 0 to 1
  std::optional<double> mean_power_w;
  std::optional<double> energy_j;    // of the whole window
  bool energy_from_counter = false;  // else mean power times the window's length
  std::optional<double> mean_sm_clock_mhz, mean_memory_clock_mhz;
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;
  std::vector<ThrottleShare> throttle;
};

/// The same of all GPUs of a point. Sums are absent where one GPU lacks its part of it.
struct TelemetrySummary {
  Millis window{0};
  std::vector<GpuSummary> gpus;  // in the order of the window's list
  std::optional<double> power_w, energy_j;
  std::optional<std::int64_t> max_temperature_c, max_memory_bytes;  // of any one GPU
  std::optional<double> mean_sm_clock_mhz, mean_memory_clock_mhz;   // over the GPUs that tell it
  bool throttled = false;
  std::vector<std::string> throttle_reasons;  // of any GPU, each once, as throttle_names orders them
};

/// Energy by output tokens; nothing where either is unknown or the tokens are none.
std::optional<double> joules_per_output_token(const TelemetrySummary& summary, std::int64_t output_tokens);

/// Keys are the members' names; what is absent is left out.
nlohmann::json to_json(const TelemetrySummary& summary);

/// A value's integral over time.
class TimeIntegral {
 public:
  void begin(Instant at) { begin_ = at; }
  /// Values in the order of time; one that is not later than the one before is ignored.
  void add(Instant at, double value, Millis longest_gap);
  void end(Instant at, Millis longest_gap);
  double seconds() const { return seconds_; }  // that it is known of
  std::optional<double> mean() const;

 private:
  std::optional<Instant> begin_;
  Instant last_at_{};
  std::optional<double> last_;
  double area_ = 0, seconds_ = 0;
};

/// Takes the samples of an attempt's GPUs from the moment it is made; what comes before begin() serves to
/// know the values at begin(), and idle_check.
class TelemetryWindow {
 public:
  explicit TelemetryWindow(std::vector<std::string> gpus, Millis longest_gap = Millis{3'000});

  /// The measured window begins. A second call begins anew and forgets what was measured.
  void begin(Instant at);
  bool begun() const { return begin_.has_value(); }
  /// A sample of a GPU that is not in the list is ignored; so is one not later than that GPU's last.
  void add(const GpuSample& sample);
  /// The newest sample of each GPU that there is one of.
  std::vector<GpuSample> newest() const;
  /// The window ended then. The object can go on and be asked again; nothing where it has not begun.
  std::optional<TelemetrySummary> summary(Instant end) const;

 private:
  struct Counter {
    std::optional<double> start;  // mJ
    Instant start_at{}, last_at{};
    double last = 0;
    bool broken = false;  // it went backwards: the driver was loaded anew
    bool seen = false;
  };
  struct Gpu {
    TimeIntegral power, sm_clock, memory_clock;
    Counter counter;
    std::optional<GpuSample> last;
    std::size_t samples = 0, gaps = 0, with_reasons = 0;
    std::map<std::int64_t, std::size_t> reasons;  // bit: in how many samples
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
