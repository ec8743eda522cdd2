// Compares the energy counters of amd-smi, read before and after a run, with the integral of the whole stream.
// The result is advice and never makes power invalid. Pure.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "controller/power/gpu_stream.hpp"

namespace sweep::power {

/// The counters of one snapshot (amd-smi metric -E --csv).
class EnergySnapshot {
 public:
  /// Takes the next row; the first one is the header.
  void take(std::span<const std::string> row);
  /// Joules by GPU. Empty if there are none, or a column is missing: the snapshot cannot be used.
  const std::map<std::string, double>& joules() const { return joules_; }

 private:
  bool has_header_ = false;
  std::optional<std::size_t> gpu_, energy_;
  std::map<std::string, double> joules_;
};

/// Returns the sidecar's accumulator_check for two usable snapshots and a finished stream of all samples.
nlohmann::ordered_json accumulator_check(const EnergySnapshot& before, const EnergySnapshot& after,
                                         const GpuStream& whole);

/// Returns the accumulator_check of snapshots that cannot be compared.
nlohmann::ordered_json no_accumulator_check(const char* reason);

}  // namespace sweep::power
