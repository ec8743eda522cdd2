#include "controller/power/package_windows.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "controller/power/paths.hpp"
#include "controller/python/json_read.hpp"
#include "controller/python/repr.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

constexpr double kClockTolerance = 0.5;           // seconds
constexpr double kClockToleranceFraction = 0.01;  // of the duration

constexpr const char* kMalformed = "measurement_window_malformed";
constexpr const char* kPathInvalid = "measurement_window_result_path_invalid";

bool equals(const Json& object, const char* key, const Json& wanted) {
  const Json* found = python::member(object, key);
  return python::equal(found == nullptr ? Json() : *found, wanted);
}

bool is_null_at(const Json& object, const char* key) {
  const Json* found = python::member(object, key);
  return found == nullptr || found->is_null();
}

std::string text_at(const Json& object, const char* key) {
  const Json* found = python::member(object, key);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

bool is_safe_path(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.front() == '~') return false;
  const std::string plain = python_path(path);
  const std::vector<std::string> parts = split(plain, '/');
  return plain != "." && std::find(parts.begin(), parts.end(), "..") == parts.end();
}

// Returns whether end, duration and reason are as the status requires.
bool fits_status(const Json& window, const std::string& status) {
  const bool open = is_null_at(window, "benchmark_end_time_unix") && is_null_at(window, "duration");
  const bool has_reason = !text_at(window, "reason").empty();
  if (status == "running") return open && is_null_at(window, "reason");
  if (status == "interrupted") return open && has_reason;
  const auto duration = python::finite_member(window, "duration");
  if (!python::finite_member(window, "benchmark_end_time_unix") || !duration || *duration <= 0) return false;
  return status == "completed" ? is_null_at(window, "reason") : has_reason;
}

bool is_window(const Json& window) {
  static constexpr std::string_view kStatuses[] = {"running", "completed", "failed", "interrupted"};
  const std::string status = text_at(window, "status");
  const Json* type = python::member(window, "benchmark_type");
  const Json* concurrency = python::member(window, "concurrency");
  return window.is_object() && equals(window, "schema_version", 1) &&
         equals(window, "clock_source", "head_node_unix_clock") &&
         std::find(std::begin(kStatuses), std::end(kStatuses), status) != std::end(kStatuses) &&
         type != nullptr && type->is_string() && concurrency != nullptr &&
         (concurrency->is_number_integer() || concurrency->is_boolean()) &&
         python::finite_member(window, "benchmark_start_time_unix");
}

// Reads one window. Returns the reason if it is not valid.
tl::expected<Window, const char*> read_window(const WindowFile& file, const WindowFiles& files) {
  if (!file.bytes) return tl::unexpected(kMalformed);
  const auto document = python::read_json(*file.bytes);
  if (!document || !is_window(*document)) return tl::unexpected(kMalformed);
  const Json& json = *document;
  Window out;
  out.path = "windows/" + file.name;
  out.result_path = text_at(json, "result_path");
  out.status = text_at(json, "status");
  if (!is_safe_path(out.result_path) || !files.stays_below(out.result_path) ||
      stem(out.result_path) != stem(file.name))
    return tl::unexpected(kPathInvalid);
  if (!fits_status(json, out.status)) return tl::unexpected(kMalformed);
  out.key = {text_at(json, "benchmark_type"),
             python::int_of(*python::member(json, "concurrency")).value_or(0)};
  out.start = *python::finite_member(json, "benchmark_start_time_unix");
  out.end = python::finite_member(json, "benchmark_end_time_unix");
  out.duration = python::finite_member(json, "duration");
  return out;
}

// Returns the reason if the window does not agree with the benchmark's result; nullptr if it does.
const char* disagreement(const Window& window, const WindowFiles& files) {
  const auto result = files.result(window.result_path);
  if (!result) return "measurement_window_result_missing";
  if (!result->is_object() || !equals(*result, "benchmark_start_time_unix", window.start) ||
      !equals(*result, "benchmark_end_time_unix", *window.end) ||
      !equals(*result, "duration", *window.duration))
    return "measurement_window_result_mismatch";
  const double tolerance = std::max(kClockTolerance, kClockToleranceFraction * *window.duration);
  if (std::fabs(*window.end - window.start - *window.duration) > tolerance)
    return "measurement_window_clock_mismatch";
  return nullptr;
}

// Adds why the samples do not cover the window, or the largest gap of each device.
void check_coverage(const std::vector<ExpectedDevice>& devices, const PackageSamples& samples,
                    WindowVerdict& out) {
  std::set<DeviceKey> keys;
  for (const ExpectedDevice& device : devices)
    keys.insert(device.key);
  for (const DeviceKey& key : keys) {
    const ObservedDevice* device = samples.device(key);
    if (device != nullptr && device->uuids.size() != 1) {
      out.reasons.add("gpu_uuid_changed");
    } else if (device == nullptr || !brackets(device->samples, out.window->start, *out.window->end)) {
      out.reasons.add("measurement_window_not_bracketed");
    } else {
      const double gap = largest_gap(device->samples, out.window->start, *out.window->end);
      out.largest_gap.emplace_back(key.first + "/" + device->uuids.front(), gap);
      if (gap > kMaxSampleGap) out.reasons.add("sample_gap_exceeded");
    }
  }
  if (!out.reasons.empty()) out.largest_gap.clear();
}

}  // namespace

WindowScan scan_windows(const WindowFiles& files, const std::vector<WindowKey>& expected) {
  constexpr const char* kOutside = "measurement_window_artifact_path_invalid";
  constexpr const char* kTwice = "measurement_window_duplicate";
  WindowScan out;
  if (files.outside) out.errors.push_back({"windows", kOutside});
  for (const WindowFile& file : files.files) {
    if (!file.regular) {
      out.errors.push_back({"windows/" + file.name, kOutside});
      continue;
    }
    auto window = read_window(file, files);
    if (!window) {
      out.errors.push_back({"windows/" + file.name, window.error()});
      continue;
    }
    const auto [first, added] = out.windows.emplace(window->key, *window);
    if (added) continue;
    out.duplicates.insert(window->key);
    out.errors.push_back({first->second.path, kTwice});
    out.errors.push_back({window->path, kTwice});
  }
  for (const WindowKey& key : out.duplicates)
    out.windows.erase(key);
  for (const auto& [key, window] : out.windows) {
    if (std::find(expected.begin(), expected.end(), key) == expected.end())
      out.errors.push_back({window.path, "measurement_window_unexpected"});
  }
  return out;
}

std::vector<WindowVerdict> check_windows(const ExpectedParts& expected, const WindowScan& scan,
                                         const WindowFiles& files, const PackageSamples& samples) {
  std::vector<WindowVerdict> out;
  for (const WindowKey& key : expected.windows) {
    WindowVerdict& verdict = out.emplace_back();
    verdict.key = key;
    const auto found = scan.windows.find(key);
    if (found == scan.windows.end()) {
      verdict.reasons.add(scan.duplicates.count(key) != 0 ? "measurement_window_duplicate"
                                                          : "measurement_window_missing");
      continue;
    }
    verdict.window = &found->second;
    if (found->second.status != "completed") {
      verdict.reasons.add("measurement_window_incomplete");
    } else if (const char* reason = disagreement(found->second, files)) {
      verdict.reasons.add(reason);
    } else {
      check_coverage(expected.devices, samples, verdict);
    }
  }
  return out;
}

Json window_validations_json(const std::vector<WindowVerdict>& verdicts) {
  Json out = Json::array();
  for (const WindowVerdict& verdict : verdicts) {
    out.push_back({{"benchmark_type", verdict.key.first},
                   {"concurrency", verdict.key.second},
                   {"window_file", verdict.window == nullptr ? Json() : Json(verdict.window->path)},
                   {"power_coverage_valid", verdict.reasons.empty()},
                   {"reason_codes", verdict.reasons.all()},
                   {"per_device_max_sample_gap_seconds", per_gpu_json<Json>(verdict.largest_gap)}});
  }
  return out;
}

Json artifact_errors_json(const std::vector<ArtifactError>& errors) {
  Json out = Json::array();
  for (const ArtifactError& error : errors)
    out.push_back({{"path", error.path}, {"reason_codes", Json::array({error.reason})}});
  return out;
}

}  // namespace sweep::power
