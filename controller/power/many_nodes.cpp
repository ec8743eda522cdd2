#include "controller/power/many_nodes.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "controller/power/package_audit.hpp"
#include "controller/power/paths.hpp"
#include "controller/power/power_files.hpp"
#include "controller/python/json_read.hpp"
#include "util/json.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::power {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kManyNodesTool = "aggregate_power_multinode";

std::optional<Json> json_file(const std::string& path, python::ReadDepth depth) {
  if (!is_file(path)) return std::nullopt;
  const auto bytes = read_file(path, python::kMaxJsonBytes);
  if (!bytes) return std::nullopt;
  auto document = python::read_json(*bytes, depth);
  return document ? std::optional(*std::move(document)) : std::nullopt;
}

// Returns whether `path` in `root` stays in `root` when links are followed.
bool stays_in(const std::string& root, const std::string& path) {
  std::error_code code, other;
  const fs::path base = fs::weakly_canonical(fs::absolute(root), code);
  const fs::path full = fs::weakly_canonical(base / path, other);
  if (code || other) return false;
  const auto [end, rest] = std::mismatch(base.begin(), base.end(), full.begin(), full.end());
  return end == base.end();
}

WindowFiles window_files(const std::string& power_dir, const std::string& logs_root) {
  WindowFiles out;
  out.stays_below = [logs_root](const std::string& path) { return stays_in(logs_root, path); };
  out.result = [logs_root](const std::string& path) {
    return json_file(below(logs_root, path), python::ReadDepth::TopLevel);
  };
  const std::string folder = below(power_dir, "windows");
  if (!is_directory(folder)) return out;
  out.outside = !stays_in(power_dir, "windows");
  if (out.outside) return out;
  std::vector<std::string> names = names_in(folder);
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    WindowFile& file = out.files.emplace_back();
    file.name = name;
    const std::string path = below(folder, name);
    std::error_code code;
    file.regular = is_file(path) && !fs::is_symlink(path, code);
    if (!file.regular) continue;
    if (auto bytes = read_file(path, python::kMaxJsonBytes)) file.bytes = *std::move(bytes);
  }
  return out;
}

PackageSamples read_samples(const std::string& path) {
  PackageSamples out;
  if (!is_file(path)) {
    out.miss();
    return out;
  }
  const auto read = read_csv(path, CsvRows::Blanks::Keep,
                             [&](std::span<const std::string> row, std::size_t) { out.take(row); });
  if (!read) out.break_off();
  out.finish();
  return out;
}

// Reads the manifest into `input`. Adds the reason if there is none to read.
bool read_manifest(const std::string& power_dir, PackageInput& input, PackageAudit& audit) {
  const std::string path = below(power_dir, "manifest.json");
  if (!is_directory(power_dir)) {
    audit.add("power_artifacts_missing", "power dir missing: " + power_dir);
    return false;
  }
  if (!is_file(path)) {
    audit.add("manifest_missing", "manifest missing: " + path);
    return false;
  }
  auto manifest = read_json_document(path);
  if (!manifest) {
    audit.add("manifest_malformed", "manifest unreadable: " + manifest.error().message);
    return false;
  }
  if (!manifest->is_object()) {
    audit.add("manifest_malformed", "manifest is not an object");
    return false;
  }
  input.manifest = *std::move(manifest);
  return true;
}

PackageAudit audit_files(const ManyNodesRequest& request, const std::optional<Benchmark>& benchmark) {
  PackageAudit audit;
  audit.expected_commit = request.producer_commit;
  PackageInput input;
  if (!read_manifest(request.power_dir, input, audit)) return audit;
  input.samples = read_samples(below(request.power_dir, "samples.csv"));
  input.windows = window_files(request.power_dir, request.logs_root);
  const auto copy = [](const std::string& path) { return json_file(path, python::ReadDepth::All); };
  const ResultCopies results{request.bench_result.substr(request.bench_result.rfind('/') + 1),
                             request.bench_result, copy(request.bench_result),
                             [&](const std::string& path) { return copy(below(request.logs_root, path)); },
                             [&](const std::string& path) { return below(request.logs_root, path); }};
  audit_package(input, {request.prefill_gpus, request.decode_gpus, request.producer_commit}, results,
                benchmark, audit);
  return audit;
}

double metric_value(const Metrics& metrics, std::string_view key) {
  for (const auto& [name, value] : metrics) {
    if (name == key) return value;
  }
  return 0;
}

std::string many_nodes_line(const PackageAudit& audit, const std::string& agg) {
  char buffer[1600];
  const auto metric = [&](std::string_view key) { return metric_value(audit.metrics, key); };
  std::snprintf(buffer, sizeof buffer,
                "[aggregate_power_multinode] avg_power_w=%.2f total_gpu_energy_j=%.2f "
                "prefill_gpu_energy_j=%.2f decode_gpu_energy_j=%.2f (n=%zu) -> ",
                metric("avg_power_w"), metric("total_gpu_energy_j"), metric("prefill_gpu_energy_j"),
                metric("decode_gpu_energy_j"), audit.expected_gpus);
  return buffer + printable(agg) + "\n";
}

ManyNodesRequest with_python_paths(ManyNodesRequest request) {
  for (std::string* path :
       {&request.power_dir, &request.logs_root, &request.bench_result, &request.agg_result})
    *path = python_path(*path);
  request.sidecar =
      request.sidecar.empty()
          ? sibling(request.bench_result, "power_validation_" + stem(request.bench_result) + ".json")
          : python_path(request.sidecar);
  return request;
}

}  // namespace

ManyNodesRequest many_nodes_request(const Variables& variables) {
  ManyNodesRequest out;
  out.power_dir = variables("POWER_ARTIFACT_DIR").value_or(out.power_dir);
  out.logs_root = variables("POWER_RESULT_ROOT").value_or(out.logs_root);
  out.producer_commit = variables("POWER_PRODUCER_SHA").value_or("");
  out.required = power_required(variables);
  return out;
}

PowerReport aggregate_many_nodes(const ManyNodesRequest& given) {
  const ManyNodesRequest request = with_python_paths(given);
  PowerReport out;
  const auto add_line = [&](const std::string& line) { out.err += printable(line) + "\n"; };
  const BenchmarkReading reading = read_benchmark_file(request.bench_result);
  const bool usable = reading.benchmark && reading.reasons.empty();
  PackageAudit audit = audit_files(request, usable ? reading.benchmark : std::nullopt);
  audit.reasons.add(reading.reasons);
  for (const std::string& note : reading.notes)
    add_line(note);
  for (const std::string& failure : audit.failures)
    add_line(request.power_dir + ": " + failure);
  if (const auto failure = patch_result_file(request.agg_result, audit.reasons.empty(), audit.metrics,
                                             Roles::Remove, kManyNodesTool, out.err))
    audit.add(failure->reason, failure->detail);
  out.valid = audit.reasons.empty();
  out.reasons = audit.reasons.all();
  out.status = request.required && !out.valid ? 1 : 0;
  const auto written = write_json_file(
      request.sidecar, package_sidecar(audit, request.power_dir, request.bench_result, reading.benchmark));
  if (!written) {
    out.status = request.required ? 1 : 0;
    add_line("[aggregate_power_multinode] Failed to write validation artifact " + request.sidecar + ": " +
             written.error().message);
    return out;
  }
  if (out.valid) {
    out.out = many_nodes_line(audit, request.agg_result);
  } else {
    add_line("[aggregate_power_multinode] Power validation failed: " + join(out.reasons, ", ") +
             " (details: " + request.sidecar + ")");
  }
  return out;
}

}  // namespace sweep::power
