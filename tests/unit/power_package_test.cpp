// controller/power/package_*: every check of a dcgm-power package, with the text of its failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/python/repr.hpp"
#include "tests/unit/power_package_sample.hpp"

namespace sweep::power {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::string> reasons(const SamplePackage& package) {
  return package.audit().reasons.all();
}

std::vector<std::string> failures(const SamplePackage& package) {
  return package.audit().failures;
}

// Returns the failures of the package with another value in its manifest.
std::vector<std::string> manifest_with(const char* key, const Json& value) {
  SamplePackage package;
  package.manifest[key] = value;
  return failures(package);
}

std::vector<std::string> window_with(const char* key, const Json& value) {
  SamplePackage package;
  package.windows[0].second[key] = value;
  return failures(package);
}

TEST(Package, SoundPackageIsIntegrated) {
  const PackageAudit got = SamplePackage().audit();
  EXPECT_THAT(got.reasons.all(), IsEmpty());
  EXPECT_THAT(got.failures, IsEmpty());
  EXPECT_THAT(got.energy, ElementsAre(Pair("p/GPU-p", 1000.0), Pair("d/GPU-d", 3000.0)));
  EXPECT_THAT(got.roles, ElementsAre(Pair("d/GPU-d", "decode"), Pair("p/GPU-p", "prefill")));
  EXPECT_THAT(got.metrics, Contains(Pair("total_gpu_energy_j", 4000.0)));
  EXPECT_THAT(got.metrics, Contains(Pair("prefill_gpu_energy_j", 1000.0)));
  EXPECT_THAT(got.metrics, Contains(Pair("prefill_avg_power_w", 100.0)));
  EXPECT_THAT(got.metrics, Contains(Pair("prefill_joules_per_input_token", 1.0)));
  EXPECT_THAT(got.metrics, Contains(Pair("decode_joules_per_output_token", 30.0)));
  EXPECT_EQ(got.metrics.back().first, "decode_joules_per_output_token");
}

TEST(Package, RecorderMustBeTheExpectedOne) {
  SamplePackage package;
  package.deployment.producer_commit = "";
  EXPECT_THAT(reasons(package), ElementsAre("producer_pin_missing"));
  package.deployment.producer_commit = "other";
  EXPECT_THAT(reasons(package), ElementsAre("producer_commit_mismatch"));
  EXPECT_THAT(failures(package), ElementsAre("producer_git_commit 'abc' != expected 'other'"));
  package.manifest["producer_git_commit"] = 5;
  EXPECT_THAT(failures(package), ElementsAre("producer_git_commit None != expected 'other'"));
}

TEST(Package, ManifestsConstantsAreChecked) {
  for (const char* key : {"producer", "source_metric", "unit", "power_scope", "timestamp_source", "status"})
    EXPECT_THAT(manifest_with(key, "it's"),
                Contains(testing::StartsWith(std::string(key) + " is \"it's\", expected '")));
  EXPECT_THAT(manifest_with("schema_version", 2), Contains("schema_version is 2, expected 1"));
  EXPECT_THAT(manifest_with("schema_version", nullptr), Contains("schema_version is None, expected 1"));
  EXPECT_THAT(manifest_with("schema_version", true), IsEmpty());  // equal in Python
}

TEST(Package, ManifestsNumbersAreChecked) {
  EXPECT_THAT(manifest_with("started_at_unix", "90"), Contains("started_at_unix is not a finite number"));
  EXPECT_THAT(manifest_with("stopped_at_unix", nullptr),
              Contains("stopped_at_unix is not finite in a terminal manifest"));
  for (const char* key : {"sample_interval_seconds", "request_timeout_seconds"})
    EXPECT_THAT(manifest_with(key, 0), Contains(std::string(key) + " is not finite and positive"));
  for (const char* key : {"scrape_count", "sample_row_count"})
    EXPECT_THAT(manifest_with(key, -1), Contains(std::string(key) + " is not a non-negative integer"));
  EXPECT_THAT(manifest_with("required", 1), Contains("required is 1, expected a boolean"));
}

TEST(Package, LifecycleFailuresContradictCompletion) {
  EXPECT_THAT(manifest_with("reason_codes", {1}), Contains("reason_codes is not a list of strings"));
  EXPECT_THAT(manifest_with("reason_codes", nullptr), Contains("reason_codes is not a list of strings"));
  EXPECT_THAT(manifest_with("reason_codes", {"exporter_launch_failed", "collector_exception", "other"}),
              Contains("complete manifest carries lifecycle-failure reasons: collector_exception, "
                       "exporter_launch_failed"));
  SamplePackage package;
  package.manifest["required"] = false;
  package.manifest["reason_codes"] = {"exporter_launch_failed"};
  EXPECT_THAT(failures(package), IsEmpty());
}

TEST(Package, ExporterIsNamed) {
  EXPECT_THAT(manifest_with("dcgm_exporter", 1), Contains("dcgm_exporter is not an object"));
  EXPECT_THAT(manifest_with("dcgm_exporter", Json::object()),
              Contains("dcgm_exporter.container_image_resolved is empty"));
}

std::string malformed(const char* key, const Json& value) {
  SamplePackage package;
  package.manifest[key] = value;
  const PackageAudit got = package.audit();
  EXPECT_THAT(got.reasons.all(), ElementsAre("manifest_malformed"));
  EXPECT_EQ(got.recomputed_valid, Json(false));
  return got.failures.empty() ? "" : got.failures.front();
}

TEST(Package, ManifestThatCannotBeReadEndsTheAudit) {
  EXPECT_EQ(malformed("expected_devices", "x"),
            "manifest malformed: TypeError(\"expected_devices is not a list: 'x'\")");
  EXPECT_EQ(malformed("expected_devices", {5}),
            "manifest malformed: AttributeError(\"'int' object has no attribute 'get'\")");
  EXPECT_EQ(malformed("expected_devices", {{{"hostname", "p"}}}),
            "manifest malformed: ValueError('assignments is not a non-empty list: []')");
  Json device = sample_device("p", "boss");
  EXPECT_EQ(
      malformed("expected_devices", Json::array({device})),
      "manifest malformed: ValueError(\"worker_role is not one of ('prefill', 'decode', 'agg'): 'boss'\")");
  device = sample_device("p", "agg");
  device["assignments"][0].erase("worker_index");
  EXPECT_EQ(malformed("expected_devices", Json::array({device})),
            "manifest malformed: KeyError('worker_index')");
  device = sample_device("", "agg");
  EXPECT_EQ(malformed("expected_devices", Json::array({device})),
            "manifest malformed: ValueError(\"hostname is not a non-empty string: ''\")");
  device = sample_device("p", "agg");
  device["assignments"][0]["het_group"] = -1;
  EXPECT_EQ(malformed("expected_devices", Json::array({device})),
            "manifest malformed: ValueError('het_group is not an integer >= 0: -1')");
  EXPECT_EQ(malformed("expected_windows", {"w"}),
            "manifest malformed: TypeError(\"string indices must be integers, not 'str'\")");
  EXPECT_EQ(malformed("expected_windows", {nullptr}),
            "manifest malformed: TypeError(\"'NoneType' object is not subscriptable\")");
}

TEST(Package, SamplesAreCheckedRowByRow) {
  const auto with_rows = [](const std::string& rows) {
    SamplePackage package;
    package.samples += rows;
    return failures(package);
  };
  for (const char* row : {"2,120,13,p,0,GPU-p,1\n", "1,nan,13,p,0,GPU-p,1\n", "1,120,-1,p,0,GPU-p,1\n",
                          "1,120,13,,0,GPU-p,1\n", "1,120,13,p,0,GPU-p,-1\n", "1,120,13,p,0,GPU-p\n", "\n"})
    EXPECT_THAT(with_rows(row), Contains("samples_csv_malformed in samples.csv")) << row;
  EXPECT_THAT(with_rows("1,120,12,p,0,GPU-p,1\n"), Contains("duplicate_sample_row in samples.csv"));
  EXPECT_THAT(with_rows("1,111.0,13,p,0,GPU-p,1\n"), Contains("timestamp_non_monotonic in samples.csv"));
  EXPECT_THAT(with_rows("1,120,13,p,0,GPU-q,1\n"), Contains("gpu_uuid_changed (device identity/topology)"));
  EXPECT_THAT(with_rows("1,120,13,p,1,GPU-q,1\n"), Contains("unexpected_device (device identity/topology)"));
  EXPECT_THAT(with_rows("1,120,13,p,1,GPU-p,1\n"), Contains("gpu_uuid_changed (device identity/topology)"));
}

TEST(Package, HeaderOfSamplesMustBeExact) {
  SamplePackage package;
  package.samples.insert(0, " ");
  EXPECT_THAT(failures(package), Contains("samples_csv_header_mismatch in samples.csv"));
  EXPECT_THAT(failures(package), Contains("observed_devices is empty"));
}

TEST(Package, ExpectedDevicesMustBeThere) {
  SamplePackage package;
  package.manifest["expected_devices"].push_back(sample_device("q", "decode"));
  EXPECT_THAT(failures(package), Contains("expected_device_missing (device identity/topology)"));
  package.manifest["expected_devices"] = Json::array();
  EXPECT_THAT(failures(package), Contains("expected_device_missing (device identity/topology)"));
}

TEST(Package, AssignmentsMustAgree) {
  SamplePackage package;
  Json& assignments = package.manifest["expected_devices"][0]["assignments"];
  assignments.push_back(assignments[0]);
  assignments[1]["worker_role"] = "decode";
  EXPECT_THAT(failures(package), Contains("conflicting_worker_roles (device identity/topology)"));
  assignments[1]["worker_role"] = "prefill";
  assignments[1]["het_group"] = 1;
  EXPECT_THAT(failures(package), Contains("conflicting_het_groups (device identity/topology)"));
  EXPECT_THAT(failures(package), Contains("conflicting_het_groups (topology)"));
}

TEST(Package, WindowsFieldsAreChecked) {
  for (const char* key : {"schema_version", "clock_source", "status", "benchmark_type", "concurrency",
                          "benchmark_start_time_unix", "benchmark_end_time_unix", "duration"})
    EXPECT_THAT(window_with(key, nullptr), Contains("measurement_window_malformed (windows/w.json)")) << key;
  EXPECT_THAT(window_with("reason", "x"), Contains("measurement_window_malformed (windows/w.json)"));
  EXPECT_THAT(window_with("status", "failed"), Contains("measurement_window_malformed (windows/w.json)"));
}

TEST(Package, WindowsResultPathMustBeSafe) {
  for (const char* path : {"", "/w.json", "~/w.json", "../w.json", "a/../w.json", "x/other.json"})
    EXPECT_THAT(window_with("result_path", path),
                Contains("measurement_window_result_path_invalid (windows/w.json)"))
        << path;
  SamplePackage package;
  package.below_root = false;
  EXPECT_THAT(failures(package), Contains("measurement_window_result_path_invalid (windows/w.json)"));
}

TEST(Package, UnfinishedWindowIsIncomplete) {
  SamplePackage package;
  Json& window = package.windows[0].second;
  window["status"] = "interrupted";
  window["reason"] = "stopped";
  window["benchmark_end_time_unix"] = window["duration"] = nullptr;
  EXPECT_THAT(failures(package), Contains("measurement_window_incomplete (window bench/8)"));
  EXPECT_THAT(reasons(package), Contains("window_for_result_missing"));
}

TEST(Package, OnlyPlainFilesAreWindows) {
  SamplePackage package;
  package.windows.emplace_back("x", Json());  // a folder or a link
  EXPECT_THAT(failures(package), Contains("measurement_window_artifact_path_invalid (windows/x)"));
  package = SamplePackage();
  package.outside = true;
  package.windows.clear();
  EXPECT_THAT(failures(package), Contains("measurement_window_artifact_path_invalid (windows)"));
}

TEST(Package, EachExpectedWindowIsThereOnce) {
  SamplePackage package;
  package.windows.emplace_back("w2.json", sample_window());
  package.windows[1].second["result_path"] = "x/w2.json";
  EXPECT_THAT(failures(package), Contains("measurement_window_duplicate (window bench/8)"));
  EXPECT_THAT(failures(package), Contains("measurement_window_duplicate (windows/w.json)"));
  package.windows[1].second["concurrency"] = 16;
  EXPECT_THAT(failures(package), Contains("measurement_window_unexpected (windows/w2.json)"));
  package.windows.clear();
  EXPECT_THAT(failures(package), Contains("measurement_window_missing (window bench/8)"));
  package.manifest["expected_windows"] = Json::array();
  EXPECT_THAT(failures(package), Contains("no expected measurement window"));
}

TEST(Package, WindowMustAgreeWithItsResult) {
  SamplePackage package;
  package.original["duration"] = 11;
  EXPECT_THAT(failures(package), Contains("measurement_window_result_mismatch (window bench/8)"));
  package.original = nullptr;
  EXPECT_THAT(failures(package), Contains("measurement_window_result_missing (window bench/8)"));
  EXPECT_THAT(reasons(package), Contains("measurement_window_result_missing"));
  package = SamplePackage();
  for (Json* json : {&package.original, &package.processed, &package.windows[0].second})
    (*json)["duration"] = 12;
  EXPECT_THAT(failures(package), Contains("measurement_window_clock_mismatch (window bench/8)"));
}

TEST(Package, SamplesMustCoverTheWindow) {
  SamplePackage package;
  for (Json* json : {&package.original, &package.processed, &package.windows[0].second}) {
    (*json)["benchmark_end_time_unix"] = 112;
    (*json)["duration"] = 12;
  }
  EXPECT_THAT(failures(package), Contains("measurement_window_not_bracketed (window bench/8)"));
  package = SamplePackage();
  std::string rows;
  for (const std::string_view scrape : {",4,d,", ",5,d,", ",6,d,"}) {
    const std::size_t at = package.samples.find(scrape);
    const std::size_t begin = package.samples.rfind('\n', at) + 1;
    package.samples.erase(begin, package.samples.find('\n', at) + 1 - begin);
  }
  EXPECT_THAT(failures(package), Contains("sample_gap_exceeded (window bench/8)"));
  // The gaps of a window that is not covered are not stored.
  Json& stored = package.manifest["window_validations"][0];
  stored["power_coverage_valid"] = false;
  stored["reason_codes"] = {"sample_gap_exceeded"};
  stored["per_device_max_sample_gap_seconds"] = Json::object();
  EXPECT_THAT(failures(package),
              testing::Not(Contains("window_validations does not match the recomputed window audit")));
}

TEST(Package, StoredEvidenceMustMatch) {
  EXPECT_THAT(manifest_with("sample_row_count", 3), Contains("sample_row_count is 3, disk has 26 rows"));
  EXPECT_THAT(manifest_with("scrape_count", 12), Contains("scrape_count is 12, disk needs at least 13"));
  EXPECT_THAT(manifest_with("observed_devices", Json::array()),
              Contains("observed_devices does not match the devices derived from samples.csv"));
  EXPECT_THAT(manifest_with("window_validations", Json::array()),
              Contains("window_validations does not match the recomputed window audit"));
  EXPECT_THAT(manifest_with("artifact_errors", nullptr),
              Contains("artifact_errors does not match the recomputed artifact scan"));
  SamplePackage package;
  package.manifest["expected_devices"].push_back(sample_device("p", "prefill"));
  package.manifest["expected_windows"].push_back({{"benchmark_type", "bench"}, {"concurrency", 8}});
  EXPECT_THAT(failures(package), Contains("expected_devices contains duplicate keys"));
  EXPECT_THAT(failures(package), Contains("expected_windows contains duplicate keys"));
}

TEST(Package, BothVerdictsMustBeValid) {
  SamplePackage package;
  package.manifest["publication_valid"] = false;
  EXPECT_THAT(reasons(package), ElementsAre("producer_verdict_mismatch"));
  EXPECT_THAT(failures(package), ElementsAre("stored publication_valid=False, recomputed=True"));
  package.manifest["unit"] = "kW";
  EXPECT_THAT(reasons(package), ElementsAre("package_recompute_invalid"));
  EXPECT_THAT(failures(package), Contains("stored and recomputed both invalid"));
  package.manifest.erase("publication_valid");
  EXPECT_THAT(failures(package), Contains("stored publication_valid=None, recomputed=False"));
}

TEST(Package, RolesMustBeThoseOfTheJob) {
  SamplePackage package;
  package.deployment.prefill_gpus = package.deployment.decode_gpus = 0;
  EXPECT_THAT(failures(package), ElementsAre("PREFILL_GPUS/DECODE_GPUS are both zero"));
  package.deployment.prefill_gpus = 2;
  EXPECT_THAT(reasons(package), ElementsAre("topology_env_mismatch"));
  EXPECT_THAT(failures(package), ElementsAre("expected roles ['prefill'], found ['decode', 'prefill']",
                                             "expected 2 prefill GPUs, found 1"));
}

std::vector<std::string> with_groups(const Json& prefill, const Json& decode) {
  SamplePackage package;
  package.manifest["expected_devices"][0]["assignments"][0]["het_group"] = prefill;
  package.manifest["expected_devices"][1]["assignments"][0]["het_group"] = decode;
  return failures(package);
}

TEST(Package, EachRoleHasAHetGroupOfItsOwnOrNoneHas) {
  EXPECT_THAT(with_groups(0, 1), IsEmpty());
  EXPECT_THAT(with_groups(1, 1), ElementsAre("roles share a het group"));
  EXPECT_THAT(with_groups(1, nullptr),
              ElementsAre("role decode has het group None while other devices report real het groups"));
  SamplePackage package;
  package.manifest["expected_devices"][1] = sample_device("d", "prefill");
  package.manifest["expected_devices"][0]["assignments"][0]["het_group"] = 4;
  package.deployment = {2, 0, "abc"};
  EXPECT_THAT(failures(package),
              ElementsAre("role prefill spans het groups [4, None], expected exactly one"));
}

TEST(Package, ProcessedResultMustBelongToOneWindow) {
  SamplePackage package;
  package.processed["max_concurrency"] = "8";
  EXPECT_THAT(failures(package), ElementsAre("found 0 completed windows for concurrency '8'"));
  package = SamplePackage();
  package.processed["completed"] = 6;
  EXPECT_THAT(reasons(package), ElementsAre("result_content_mismatch"));
  EXPECT_THAT(failures(package), ElementsAre("workspace copy r.json differs from original x/w.json"));
  package = SamplePackage();
  package.benchmark->start = 100.5;
  EXPECT_THAT(reasons(package), ElementsAre("measurement_window_result_mismatch"));
  package.processed = Json::array();
  EXPECT_THAT(failures(package), ElementsAre("processed result is not an object"));
}

TEST(Package, OrderOfKeysInTheCopiesDoesNotMatter) {
  SamplePackage package;
  package.processed.erase("duration");
  package.processed["duration"] = 10;
  EXPECT_THAT(reasons(package), IsEmpty());
}

TEST(Package, OverflowIsNotPublished) {
  SamplePackage package;
  for (std::size_t at = 0; (at = package.samples.find(",300\n", at)) != std::string::npos; at += 5)
    package.samples.replace(at, 5, ",9e307\n");
  const PackageAudit got = package.audit();
  EXPECT_THAT(got.reasons.all(), ElementsAre("non_finite_power_metric"));
  EXPECT_THAT(got.metrics, IsEmpty());
  EXPECT_TRUE(package_sidecar(got, "d", "r", package.benchmark)["per_gpu_energy_j"]["d/GPU-d"].is_null());
}

TEST(PythonRepr, IsThatOfPython) {
  EXPECT_EQ(python::repr_of(Json{{"a", {1, 2.0, nullptr, true}}, {"b", "it's"}}),
            "{'a': [1, 2.0, None, True], 'b': \"it's\"}");
  EXPECT_TRUE(python::equal(Json{{"a", 1}, {"b", true}}, Json{{"b", 1.0}, {"a", true}}));
  EXPECT_FALSE(python::equal(Json("1"), Json(1)));
  EXPECT_EQ(python::canonical_json(Json{{"b", 1}, {"a", {{"d", 1}, {"c", 2}}}}),
            R"({"a": {"c": 2, "d": 1}, "b": 1})");
}

}  // namespace
}  // namespace sweep::power
