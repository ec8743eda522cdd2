#include "controller/power/package_audit.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "controller/python/math.hpp"
#include "controller/python/repr.hpp"
#include "controller/python/value.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

using Json = nlohmann::ordered_json;

Json value_at(const Json& object, const char* key) {
  const Json* found = python::member(object, key);
  return found == nullptr ? Json() : *found;
}

std::string device_label(const ObservedDevice& device) {
  return device.key.first + "/" + device.uuids.front();
}

// Returns host/uuid of a device; host/index if its uuid is not known.
std::string label_of(const DeviceKey& key, const PackageSamples& samples) {
  const ObservedDevice* device = samples.device(key);
  if (device == nullptr || device->uuids.size() != 1) return key.first + "/" + std::to_string(key.second);
  return device_label(*device);
}

template <class Key>
bool has_duplicates(const std::vector<Key>& keys) {
  return std::set<Key>(keys.begin(), keys.end()).size() != keys.size();
}

class Audit {
 public:
  Audit(const PackageInput& input, const Deployment& deployment, PackageAudit& out)
      : input_(input), deployment_(deployment), out_(out) {}

  void read_producer() {
    const Json& manifest = input_.manifest;
    const auto boolean = [](const Json& value) { return value.is_boolean() ? value : Json(); };
    const auto text = [](const Json& value) { return value.is_string() ? value : Json(); };
    out_.stored_valid = boolean(value_at(manifest, "publication_valid"));
    out_.producer_commit = text(value_at(manifest, "producer_git_commit"));
    out_.exporter_sha = text(value_at(value_at(manifest, "dcgm_exporter"), "container_image_sha256"));
    out_.expected_commit = deployment_.producer_commit;
    if (deployment_.producer_commit.empty()) {
      out_.add("producer_pin_missing", "no expected producer SHA configured");
    } else if (out_.producer_commit != Json(deployment_.producer_commit)) {
      out_.add("producer_commit_mismatch", "producer_git_commit " + python::repr_of(out_.producer_commit) +
                                               " != expected " +
                                               python::repr_of(Json(deployment_.producer_commit)));
    }
  }

  // Returns false if the manifest cannot be read further.
  bool recompute() {
    std::vector<std::string> failures = manifest_failures(input_.manifest);
    auto expected = expected_parts(input_.manifest);
    if (!expected) {
      out_.add("manifest_malformed", "manifest malformed: " + expected.error().message);
      out_.recomputed_valid = false;
      return false;
    }
    expected_ = *std::move(expected);
    check_samples(failures);
    check_all_windows(failures);
    check_stored(failures);
    out_.recomputed_valid = failures.empty();
    out_.failures.insert(out_.failures.end(), failures.begin(), failures.end());
    if (!failures.empty()) out_.reasons.add("package_recompute_invalid");
    return true;
  }

  void compare_verdicts() {
    if (out_.stored_valid != out_.recomputed_valid) {
      out_.add("producer_verdict_mismatch", "stored publication_valid=" + python::repr_of(out_.stored_valid) +
                                                ", recomputed=" + python::repr_of(out_.recomputed_valid));
    } else if (out_.stored_valid != Json(true)) {
      out_.add("package_recompute_invalid", "stored and recomputed both invalid");
    }
  }

  void check_topology() {
    std::map<std::string, std::int64_t> wanted;
    if (deployment_.prefill_gpus > 0) wanted["prefill"] = deployment_.prefill_gpus;
    if (deployment_.decode_gpus > 0) wanted["decode"] = deployment_.decode_gpus;
    roles_ = device_roles(expected_.devices);
    if (wanted.empty()) {
      out_.add("topology_env_mismatch", "PREFILL_GPUS/DECODE_GPUS are both zero");
    } else if (!roles_.roles.empty()) {
      for (const std::string& failure : topology_failures(expected_.devices, roles_, wanted))
        out_.add("topology_env_mismatch", failure);
    }
    out_.expected_gpus = expected_.devices.size();
    out_.observed_gpus = input_.samples.devices().size();
    for (const auto& [key, role] : roles_.roles)
      out_.roles.emplace_back(label_of(key, input_.samples), role);
  }

  // Finds the one completed window that belongs to the processed result.
  void select_window(const ResultCopies& results, const std::optional<Benchmark>& benchmark) {
    if (!results.processed) {
      out_.add("invalid_benchmark_result", "unreadable result: " + results.path);
      return;
    }
    if (!results.processed->is_object()) {
      out_.add("invalid_benchmark_result", "processed result is not an object");
      return;
    }
    const Json concurrency = value_at(*results.processed, "max_concurrency");
    std::vector<const Window*> matches;
    for (const auto& [key, window] : scan_.windows) {
      if (window.status == "completed" && python::equal(Json(key.second), concurrency))
        matches.push_back(&window);
    }
    if (matches.size() != 1) {
      out_.add("window_for_result_missing", "found " + std::to_string(matches.size()) +
                                                " completed windows for concurrency " +
                                                python::repr_of(concurrency));
      return;
    }
    if (is_of_result(*matches.front(), results, benchmark)) out_.window = *matches.front();
  }

  void integrate_window(const Benchmark& benchmark) {
    const Window& window = *out_.window;
    std::vector<double> energies;
    std::map<std::string, double> role_energy;
    for (const ExpectedDevice& expected : expected_.devices) {
      const ObservedDevice& device = *input_.samples.device(expected.key);
      const std::string label = device_label(device);
      const double energy = window_energy(device.samples, window.start, *window.end);
      out_.energy.emplace_back(label, energy);
      out_.largest_gap.emplace_back(label, largest_gap(device.samples, window.start, *window.end));
      energies.push_back(energy);
      role_energy[roles_.roles.at(expected.key)] += energy;
    }
    const double total = python::sum(energies), duration = *window.end - window.start;
    Metrics metrics = deployment_metrics(total, expected_.devices.size(), benchmark);
    const auto add_role = [&](const std::string& role, std::int64_t gpus, const char* tokens,
                              std::int64_t count) {
      if (gpus <= 0) return;
      const double energy = role_energy[role];
      metrics.emplace_back(role + "_gpu_energy_j", energy);
      metrics.emplace_back(role + "_avg_power_w", energy / duration / static_cast<double>(gpus));
      metrics.emplace_back(role + "_joules_per_" + tokens, energy / static_cast<double>(count));
    };
    add_role("prefill", deployment_.prefill_gpus, "input_token", benchmark.input_tokens);
    add_role("decode", deployment_.decode_gpus, "output_token", benchmark.output_tokens);
    if (all_finite(metrics)) {
      out_.metrics = std::move(metrics);
    } else {
      out_.add("non_finite_power_metric", "non-finite: " + join(not_finite(metrics), ", "));
    }
  }

 private:
  static std::vector<std::string> not_finite(const Metrics& metrics) {
    std::vector<std::string> out;
    for (const auto& [key, value] : metrics) {
      if (!std::isfinite(value)) out.push_back(key);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  void check_samples(std::vector<std::string>& failures) {
    for (const std::string& reason : input_.samples.reasons().all())
      failures.push_back(reason + " in samples.csv");
    const Reasons devices = device_reasons(expected_.devices, input_.samples);
    for (const std::string& reason : devices.all())
      failures.push_back(reason + " (device identity/topology)");
  }

  void check_all_windows(std::vector<std::string>& failures) {
    scan_ = scan_windows(input_.windows, expected_.windows);
    verdicts_ = check_windows(expected_, scan_, input_.windows, input_.samples);
    if (expected_.windows.empty()) failures.emplace_back("no expected measurement window");
    for (const WindowVerdict& verdict : verdicts_) {
      for (const std::string& reason : verdict.reasons.all())
        failures.push_back(reason + " (window " + verdict.key.first + "/" +
                           std::to_string(verdict.key.second) + ")");
    }
    for (const ArtifactError& error : scan_.errors)
      failures.push_back(error.reason + " (" + error.path + ")");
  }

  // Compares what the manifest says about samples and windows with what they are.
  void check_stored(std::vector<std::string>& failures) {
    const Json& manifest = input_.manifest;
    const PackageSamples& samples = input_.samples;
    if (const Json rows = value_at(manifest, "sample_row_count"); !python::equal(rows, Json(samples.rows())))
      failures.push_back("sample_row_count is " + python::repr_of(rows) + ", disk has " +
                         std::to_string(samples.rows()) + " rows");
    if (samples.rows() > 0) {
      const Json scrapes = value_at(manifest, "scrape_count");
      const std::int64_t least = samples.last_scrape() + 1;
      if (!scrapes.is_number_integer() || scrapes.get<double>() < static_cast<double>(least))
        failures.push_back("scrape_count is " + python::repr_of(scrapes) + ", disk needs at least " +
                           std::to_string(least));
    }
    if (samples.devices().empty()) failures.emplace_back("observed_devices is empty");
    const auto must_equal = [&](const char* key, const Json& actual, const char* failure) {
      if (!python::equal(value_at(manifest, key), actual)) failures.emplace_back(failure);
    };
    must_equal("observed_devices", observed_devices_json(samples.devices()),
               "observed_devices does not match the devices derived from samples.csv");
    must_equal("window_validations", window_validations_json(verdicts_),
               "window_validations does not match the recomputed window audit");
    must_equal("artifact_errors", artifact_errors_json(scan_.errors),
               "artifact_errors does not match the recomputed artifact scan");
    std::vector<DeviceKey> devices;
    for (const ExpectedDevice& device : expected_.devices)
      devices.push_back(device.key);
    if (has_duplicates(devices)) failures.emplace_back("expected_devices contains duplicate keys");
    if (has_duplicates(expected_.windows)) failures.emplace_back("expected_windows contains duplicate keys");
  }

  // Returns whether the window's result and the processed one are the same measurement.
  bool is_of_result(const Window& window, const ResultCopies& results,
                    const std::optional<Benchmark>& benchmark) {
    const auto original = results.original(window.result_path);
    if (!original) {
      out_.add("measurement_window_result_missing",
               "original result unreadable: " + results.original_name(window.result_path));
      return false;
    }
    if (python::canonical_json(*original) != python::canonical_json(*results.processed)) {
      out_.add("result_content_mismatch",
               "workspace copy " + results.name + " differs from original " + window.result_path);
      return false;
    }
    if (benchmark && (benchmark->start != window.start || benchmark->end != *window.end)) {
      out_.add("measurement_window_result_mismatch",
               "benchmark window fields do not match the selected window file");
      return false;
    }
    return true;
  }

  const PackageInput& input_;
  const Deployment& deployment_;
  PackageAudit& out_;
  ExpectedParts expected_;
  DeviceRoles roles_;
  WindowScan scan_;
  std::vector<WindowVerdict> verdicts_;
};

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Json selected_window_json(const std::optional<Window>& window) {
  if (!window) return nullptr;
  return Json{{"window_file", window->path},         {"result_path", window->result_path},
              {"benchmark_type", window->key.first}, {"concurrency", window->key.second},
              {"start_time_unix", window->start},    {"end_time_unix", *window->end},
              {"duration", *window->duration}};
}

// Returns the energies; null for one that overflowed, because Infinity is not JSON.
Json energy_json(const PerGpu<double>& energy) {
  Json out = Json::object();
  for (const auto& [gpu, joules] : energy)
    out[gpu] = std::isfinite(joules) ? Json(joules) : Json();
  return out;
}

}  // namespace

void PackageAudit::add(const std::string& reason, const std::string& failure) {
  reasons.add(reason);
  if (!failure.empty()) failures.push_back(failure);
}

void audit_package(const PackageInput& input, const Deployment& deployment, const ResultCopies& results,
                   const std::optional<Benchmark>& benchmark, PackageAudit& out) {
  Audit audit(input, deployment, out);
  audit.read_producer();
  if (!audit.recompute()) return;
  audit.compare_verdicts();
  audit.check_topology();
  audit.select_window(results, benchmark);
  if (out.reasons.empty() && out.window && benchmark) audit.integrate_window(*benchmark);
}

Json package_sidecar(const PackageAudit& audit, const std::string& power_dir, const std::string& bench_result,
                     const std::optional<Benchmark>& benchmark) {
  Json out{{"schema_version", 1},
           {"power_valid", audit.reasons.empty()},
           {"reasons", audit.reasons.all()},
           {"failures", audit.failures},
           {"telemetry_source", power_dir},
           {"benchmark_result", bench_result},
           {"benchmark_window", window_json(benchmark)},
           {"selected_window", selected_window_json(audit.window)},
           {"integration_method", kIntegrationMethod}};
  out["producer"] = Json{{"producer_git_commit", audit.producer_commit},
                         {"expected_producer_git_commit", text_or_null(audit.expected_commit)},
                         {"exporter_image_sha256", audit.exporter_sha},
                         {"stored_publication_valid", audit.stored_valid},
                         {"recomputed_publication_valid", audit.recomputed_valid}};
  out["expected_gpu_count"] = audit.expected_gpus;
  out["observed_gpu_count"] = audit.observed_gpus;
  out["per_gpu_role"] = per_gpu_json<Json>(audit.roles);
  out["per_gpu_max_sample_gap_s"] = per_gpu_json<Json>(audit.largest_gap);
  out["per_gpu_energy_j"] = energy_json(audit.energy);
  out["metrics"] = metrics_json(audit.reasons.empty() ? audit.metrics : Metrics());
  return out;
}

}  // namespace sweep::power
