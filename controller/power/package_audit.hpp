// Judges a dcgm-power package and integrates the power of a deployment on several nodes. Pure.
//
// The verdict that the package contains is not trusted: everything is checked again from the samples and
// windows, and both verdicts must agree.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/power/benchmark.hpp"
#include "controller/power/metrics.hpp"
#include "controller/power/package_samples.hpp"
#include "controller/power/package_windows.hpp"
#include "util/json.hpp"

namespace sweep::power {

/// Everything that is known about one package; it becomes the sidecar.
struct PackageAudit {
  Reasons reasons;
  std::vector<std::string> failures;  // what each check found, in words
  nlohmann::ordered_json producer_commit, exporter_sha, stored_valid, recomputed_valid;  // null if unknown
  std::string expected_commit;                                                           // "": none
  std::optional<Window> window;  // of the processed result
  PerGpu<std::string> roles;     // by host/uuid, in order of the devices
  PerGpu<double> energy, largest_gap;
  std::size_t expected_gpus = 0, observed_gpus = 0;
  Metrics metrics;

  void add(const std::string& reason, const std::string& failure = {});
};

/// The package's files, read.
struct PackageInput {
  nlohmann::ordered_json manifest;
  PackageSamples samples;  // finished
  WindowFiles windows;
};

/// What the job's environment says about the deployment.
struct Deployment {
  std::int64_t prefill_gpus = 0, decode_gpus = 0;
  std::string producer_commit;  // the commit of the program that records packages; "": none is known
};

/// The two copies of the client's result: the one that is processed, and the one that the window names.
struct ResultCopies {
  std::string name;                                 // file name of the processed copy
  std::string path;                                 // of the processed copy
  std::optional<nlohmann::ordered_json> processed;  // std::nullopt if it is not JSON
  /// Returns the copy at the window's result_path; std::nullopt if it is not JSON.
  std::function<std::optional<nlohmann::ordered_json>(const std::string& path)> original;
  std::function<std::string(const std::string& path)> original_name;  // for messages
};

/// Checks the package and, if nothing is wrong and `benchmark` is there, integrates it.
void audit_package(const PackageInput& input, const Deployment& deployment, const ResultCopies& results,
                   const std::optional<Benchmark>& benchmark, PackageAudit& audit);

/// Returns the sidecar. Power is valid if there are no reasons.
nlohmann::ordered_json package_sidecar(const PackageAudit& audit, const std::string& power_dir,
                                       const std::string& bench_result,
                                       const std::optional<Benchmark>& benchmark);

}  // namespace sweep::power
