// The measurement windows of a dcgm-power package (windows/*.json), checked against the benchmark's results and
// the samples. Pure: what the files contain is in WindowFiles.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/power/package_manifest.hpp"
#include "controller/power/package_samples.hpp"
#include "controller/power/per_gpu.hpp"
#include "util/json.hpp"

namespace sweep::power {

/// One entry of the folder windows/.
struct WindowFile {
  std::string name;
  bool regular = false;              // a file, and not a link
  std::optional<std::string> bytes;  // std::nullopt if it cannot be read
};

struct WindowFiles {
  bool outside = false;           // windows/ is a link that leads out of the package
  std::vector<WindowFile> files;  // sorted by name
  /// Returns whether the path, relative to the folder of results, stays in that folder when links are followed.
  std::function<bool(const std::string& path)> stays_below;
  /// Returns the top level of the JSON file at that path; std::nullopt if it is missing or not JSON.
  std::function<std::optional<nlohmann::ordered_json>(const std::string& path)> result;
};

struct Window {
  std::string path;  // of the window's file, in the package
  WindowKey key;
  std::string result_path;  // of the benchmark's result, in the folder of results
  std::string status;
  double start = 0;                     // seconds since 1970
  std::optional<double> end, duration;  // both are there if the window is completed
};

/// A file of the package that is wrong.
struct ArtifactError {
  std::string path, reason;
};

struct WindowScan {
  std::map<WindowKey, Window> windows;  // without those that are there twice
  std::set<WindowKey> duplicates;
  std::vector<ArtifactError> errors;
};

/// Reads all files, and reports windows that are not in `expected`.
WindowScan scan_windows(const WindowFiles& files, const std::vector<WindowKey>& expected);

/// What one expected window is found to be.
struct WindowVerdict {
  WindowKey key;
  const Window* window = nullptr;  // in the scan; nullptr if there is none
  Reasons reasons;
  PerGpu<double> largest_gap;  // seconds, by host/uuid; empty if there is a reason
};

/// Checks each expected window: its result, and the samples of all expected devices.
std::vector<WindowVerdict> check_windows(const ExpectedParts& expected, const WindowScan& scan,
                                         const WindowFiles& files, const PackageSamples& samples);

/// Returns the manifest's window_validations and artifact_errors for these.
nlohmann::ordered_json window_validations_json(const std::vector<WindowVerdict>& verdicts);
nlohmann::ordered_json artifact_errors_json(const std::vector<ArtifactError>& errors);

}  // namespace sweep::power
