#include "controller/power/accumulator.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "controller/power/per_gpu.hpp"
#include "controller/python/math.hpp"
#include "controller/python/number.hpp"
#include "util/json.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kTolerance = 0.05;

std::optional<std::size_t> column(std::span<const std::string> header, std::string_view name) {
  for (std::size_t i = header.size(); i-- > 0;) {
    if (stripped(header[i]) == name) return i;
  }
  return std::nullopt;
}

// Returns the GPUs that are in both snapshots, or in exactly one of them.
std::vector<std::string> gpus_in(const EnergySnapshot& a, const EnergySnapshot& b, bool both) {
  std::vector<std::string> out;
  const auto add_from = [&](const EnergySnapshot& from, const EnergySnapshot& other) {
    for (const auto& [gpu, joules] : from.joules()) {
      if ((other.joules().count(gpu) != 0) == both) out.push_back(gpu);
    }
  };
  add_from(a, b);
  if (!both) add_from(b, a);
  sort_gpu_ids(out);
  return out;
}

}  // namespace

void EnergySnapshot::take(std::span<const std::string> row) {
  if (!has_header_) {
    has_header_ = true;
    gpu_ = column(row, "gpu");
    energy_ = column(row, "total_energy_consumption");
    return;
  }
  if (!gpu_ || !energy_ || *gpu_ >= row.size() || *energy_ >= row.size()) return;
  const std::string_view gpu = stripped(row[*gpu_]);
  const auto joules = python::parse_float(row[*energy_]);
  if (!gpu.empty() && joules && std::isfinite(*joules)) joules_[std::string(gpu)] = *joules;
}

Json no_accumulator_check(const char* reason) {
  return Json{{"available", false}, {"reason", reason}};
}

Json accumulator_check(const EnergySnapshot& before, const EnergySnapshot& after, const GpuStream& whole) {
  const std::vector<std::string> matched = gpus_in(before, after, true);
  PerGpu<double> deltas;
  std::vector<double> delta_values, energies;
  std::vector<std::string> negative, integrated;
  double first = 0, last = 0;
  for (const std::string& gpu : matched) {
    const double delta = after.joules().at(gpu) - before.joules().at(gpu);
    deltas.emplace_back(gpu, delta);
    delta_values.push_back(delta);
    if (delta < 0) negative.push_back(gpu);
    if (std::find(whole.gpus().begin(), whole.gpus().end(), gpu) == whole.gpus().end()) continue;
    const auto samples = whole.samples(gpu);
    first = integrated.empty() ? samples.front().time : std::min(first, samples.front().time);
    last = integrated.empty() ? samples.back().time : std::max(last, samples.back().time);
    integrated.push_back(gpu);
    energies.push_back(whole_energy(samples));
  }
  const double counted = python::sum(delta_values), integral = python::sum(energies);
  Json error;
  bool within = false;
  if (counted > 0) {
    const double relative = std::fabs(counted - integral) / counted;
    error = relative;
    within = negative.empty() && relative <= kTolerance;
  }
  return Json{{"available", true},
              {"accumulator_delta_j", counted},
              {"integrated_stream_j", integral},
              {"relative_error", error},
              {"within_tolerance", within},
              {"tolerance", kTolerance},
              {"per_gpu_delta_j", per_gpu_json<Json>(deltas)},
              {"integrated_gpu_ids", integrated},
              {"unmatched_gpus", gpus_in(before, after, false)},
              {"negative_delta_gpus", negative},
              {"stream_span_s", last - first}};
}

}  // namespace sweep::power
