#include "controller/power/integration.hpp"

#include <cmath>
#include <cstdio>

#include "controller/python/math.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

constexpr std::int64_t kOffsetStep = 900, kMaxOffset = 14 * 3600;  // of the world's zones, in seconds

std::string seconds_text(double seconds) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.3f s", seconds);
  return buffer;
}

// Returns where the samples of a GPU end too early or begin too late.
std::string uncovered(std::span<const Sample> samples, const Benchmark& benchmark) {
  if (samples.front().time > benchmark.start)
    return "the first sample is " + seconds_text(samples.front().time - benchmark.start) +
           " after the start of the window";
  return "the last sample is " + seconds_text(benchmark.end - samples.back().time) +
         " before the end of the window";
}

void integrate_gpu(const std::string& gpu, std::span<const Sample> samples, const Benchmark& benchmark,
                   Integration& out) {
  std::vector<std::string> issues;
  const auto found = [&](const char* reason, const std::string& note) {
    issues.emplace_back(reason);
    out.reasons.add(reason);
    out.notes.push_back("GPU " + printable(gpu) + ": " + note);
  };
  out.samples.emplace_back(gpu, samples.size());
  if (samples.size() < 2) {
    found("insufficient_power_samples", "one sample near the window, at least 2 are needed");
  } else if (!brackets(samples, benchmark.start, benchmark.end)) {
    found("benchmark_window_not_bracketed", uncovered(samples, benchmark));
  } else {
    const double gap = largest_gap(samples, benchmark.start, benchmark.end);
    out.largest_gap.emplace_back(gpu, gap);
    if (gap > kMaxSampleGap)
      found("sampling_gap_exceeded", seconds_text(gap) + " between two samples, at most " +
                                         seconds_text(kMaxSampleGap) + " are allowed");
    out.energy.emplace_back(gpu, window_energy(samples, benchmark.start, benchmark.end));
  }
  if (!issues.empty()) out.issues.emplace_back(gpu, std::move(issues));
}

}  // namespace

Integration begin_integration(std::optional<std::int64_t> expected_gpus) {
  Integration out;
  out.expected_gpus = expected_gpus;
  if (expected_gpus && *expected_gpus <= 0) {
    out.reasons.add("invalid_expected_gpu_count");
    out.notes.push_back("the expected number of GPUs is " + std::to_string(*expected_gpus) +
                        ", it must be above 0");
  }
  return out;
}

void integrate(const GpuStream& stream, const Benchmark& benchmark, Integration& out) {
  out.reasons.add(stream.reasons());
  out.notes.insert(out.notes.end(), stream.notes().begin(), stream.notes().end());
  out.gpus = stream.gpus();
  if (out.gpus.empty()) return;
  if (out.expected_gpus && *out.expected_gpus > 0 &&
      static_cast<std::int64_t>(out.gpus.size()) != *out.expected_gpus) {
    out.reasons.add("expected_gpu_count_mismatch");
    out.notes.push_back("the stream has " + counted(out.gpus.size(), "GPU") + " (" +
                        printable(clipped(join(out.gpus, ", "), 200)) + "), expected " +
                        std::to_string(*out.expected_gpus));
  }
  std::vector<double> energies;
  for (const std::string& gpu : out.gpus)
    integrate_gpu(gpu, stream.samples(gpu), benchmark, out);
  for (const auto& [gpu, energy] : out.energy)
    energies.push_back(energy);
  out.total_energy = python::sum(energies);
}

std::optional<std::int64_t> fitting_offset(const GpuStream& stream, const Benchmark& benchmark,
                                           std::int64_t assumed) {
  if (!stream.has_local_times() || !stream.span()) return std::nullopt;
  const double first = stream.span()->first, last = stream.span()->second;
  const auto covers = [&](double shift) {
    return first + shift <= benchmark.start && last + shift >= benchmark.end;
  };
  if (covers(0)) return std::nullopt;
  std::optional<std::int64_t> best;
  for (std::int64_t offset = -kMaxOffset; offset <= kMaxOffset; offset += kOffsetStep) {
    if (!covers(static_cast<double>(assumed - offset))) continue;
    // Of several, the one that is nearest to what was assumed; whole hours first.
    const auto rank = [&](std::int64_t o) {
      return std::abs(o - assumed) + (o % 3600 == 0 ? 0 : kMaxOffset * 4);
    };
    if (!best || rank(offset) < rank(*best)) best = offset;
  }
  return best;
}

}  // namespace sweep::power
