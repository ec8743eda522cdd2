// A small dcgm-power package: two hosts with one GPU each, 100 W for prefill and 300 W for decode.
#pragma once

#include <string>

#include "controller/power/csv_rows.hpp"
#include "controller/power/package_audit.hpp"
#include "util/json.hpp"

namespace sweep::power {

using Json = nlohmann::ordered_json;

inline Json sample_device(const std::string& host, const std::string& role) {
  return {{"hostname", host},
          {"gpu_index", 0},
          {"assignments",
           {{{"worker_role", role}, {"worker_index", 0}, {"worker_process", 0}, {"het_group", nullptr}}}}};
}

inline std::string sample_rows() {
  std::string out = "schema_version,timestamp_unix,scrape_seq,hostname,gpu_index,gpu_uuid,power_w\n";
  for (int scrape = 0; scrape < 13; ++scrape) {
    const std::string time = std::to_string(99 + scrape) + ".0", seq = std::to_string(scrape);
    out += "1," + time + "," + seq + ",p,0,GPU-p,100\n";
    out += "1," + time + "," + seq + ",d,0,GPU-d,300\n";
  }
  return out;
}

inline Json sample_window() {
  return {{"schema_version", 1},
          {"clock_source", "head_node_unix_clock"},
          {"status", "completed"},
          {"benchmark_type", "bench"},
          {"concurrency", 8},
          {"benchmark_start_time_unix", 100},
          {"benchmark_end_time_unix", 110},
          {"duration", 10},
          {"reason", nullptr},
          {"result_path", "x/w.json"}};
}

inline Json sample_result() {
  return {{"benchmark_start_time_unix", 100},
          {"benchmark_end_time_unix", 110},
          {"duration", 10},
          {"completed", 5},
          {"total_input_tokens", 1000},
          {"total_output_tokens", 100},
          {"max_concurrency", 8}};
}

inline Json sample_observed(const std::string& host) {
  return {{"hostname", host},
          {"gpu_index", 0},
          {"gpu_uuids", {"GPU-" + host}},
          {"first_sample_time_unix", 99},
          {"last_sample_time_unix", 111}};
}

inline Json sample_manifest() {
  return {{"schema_version", 1},
          {"producer", "srt-slurm.dcgm-power"},
          {"producer_git_commit", "abc"},
          {"source_metric", "DCGM_FI_DEV_POWER_USAGE"},
          {"unit", "W"},
          {"power_scope", "gpu_device_board_as_reported_by_dcgm"},
          {"timestamp_source", "head_node_unix_clock"},
          {"status", "complete"},
          {"required", true},
          {"started_at_unix", 90},
          {"stopped_at_unix", 120},
          {"sample_interval_seconds", 1},
          {"request_timeout_seconds", 2},
          {"scrape_count", 13},
          {"sample_row_count", 26},
          {"reason_codes", Json::array()},
          {"dcgm_exporter", {{"container_image_resolved", "e"}, {"container_image_sha256", "ff"}}},
          {"expected_devices", {sample_device("p", "prefill"), sample_device("d", "decode")}},
          {"expected_windows", {{{"benchmark_type", "bench"}, {"concurrency", 8}}}},
          {"observed_devices", {sample_observed("d"), sample_observed("p")}},
          {"window_validations",
           {{{"benchmark_type", "bench"},
             {"concurrency", 8},
             {"window_file", "windows/w.json"},
             {"power_coverage_valid", true},
             {"reason_codes", Json::array()},
             {"per_device_max_sample_gap_seconds", {{"d/GPU-d", 1}, {"p/GPU-p", 1}}}}}},
          {"artifact_errors", Json::array()},
          {"publication_valid", true}};
}

/// A package that can be changed before it is audited.
struct SamplePackage {
  Json manifest = sample_manifest();
  std::string samples = sample_rows();
  std::vector<std::pair<std::string, Json>> windows = {{"w.json", sample_window()}};
  Json original = sample_result(), processed = sample_result();
  Deployment deployment{1, 1, "abc"};
  std::optional<Benchmark> benchmark = Benchmark{100, 110, 10, 5, 1000, 100};
  bool outside = false, below_root = true;

  PackageAudit audit() const {
    PackageInput input;
    input.manifest = manifest;
    CsvRows rows(CsvRows::Blanks::Keep,
                 [&](std::span<const std::string> row, std::size_t) { input.samples.take(row); });
    rows.feed(samples);
    rows.finish();
    input.samples.finish();
    input.windows.outside = outside;
    for (const auto& [name, json] : windows)
      input.windows.files.push_back({name, !json.is_null(), json.dump()});
    input.windows.stays_below = [this](const std::string&) { return below_root; };
    const auto result = [this](const std::string&) {
      return original.is_null() ? std::nullopt : std::optional(original);
    };
    input.windows.result = result;
    const ResultCopies copies{"r.json", "r.json", processed, result,
                              [](const std::string& path) { return "LOGS/" + path; }};
    PackageAudit out;
    audit_package(input, deployment, copies, benchmark, out);
    return out;
  }
};

}  // namespace sweep::power
