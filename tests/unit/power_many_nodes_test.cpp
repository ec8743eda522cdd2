// controller/power/many_nodes: files, lines and statuses of aggregate-power --multinode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "controller/power/many_nodes.hpp"
#include "controller/python/json_read.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/power_package_sample.hpp"

namespace sweep::power {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ManyNodesPower : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    for (const char* folder : {"LOGS/power/windows", "LOGS/x"})
      std::filesystem::create_directories(path(folder));
    put("LOGS/power/manifest.json", sample_manifest().dump());
    put("LOGS/power/samples.csv", sample_rows());
    put("LOGS/power/windows/w.json", sample_window().dump());
    put("LOGS/x/w.json", sample_result().dump());
    put("r.json", sample_result().dump(1));
    put("agg_r.json", R"({"hw": "z", "prefill_avg_power_w": 7})");
    request_.power_dir = path("LOGS/power");
    request_.logs_root = path("LOGS");
    request_.bench_result = path("r.json");
    request_.agg_result = path("agg_r.json");
    request_.prefill_gpus = request_.decode_gpus = 1;
    request_.producer_commit = "abc";
  }

  Json json(const std::string& name) const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? python::read_json(*bytes).value_or(Json()) : Json();
  }

  ManyNodesRequest request_;
};

TEST_F(ManyNodesPower, EnergyOfBothRolesIsWritten) {
  const PowerReport got = aggregate_many_nodes(request_);
  EXPECT_TRUE(got.valid) << got.err;
  EXPECT_EQ(got.err, "");
  EXPECT_EQ(got.out,
            "[aggregate_power_multinode] avg_power_w=200.00 total_gpu_energy_j=4000.00 "
            "prefill_gpu_energy_j=1000.00 decode_gpu_energy_j=3000.00 (n=2) -> " +
                path("agg_r.json") + "\n");
  EXPECT_EQ(json("agg_r.json")["decode_avg_power_w"], 300.0);
  const Json sidecar = json("power_validation_r.json");
  EXPECT_EQ(sidecar["producer"]["recomputed_publication_valid"], true);
  EXPECT_EQ(sidecar["selected_window"]["result_path"], "x/w.json");
  EXPECT_EQ(sidecar["per_gpu_max_sample_gap_s"].dump(), R"({"p/GPU-p":1.0,"d/GPU-d":1.0})");
}

TEST_F(ManyNodesPower, OldRoleMetricsAreRemoved) {
  request_.producer_commit = "";
  request_.required = true;
  const PowerReport got = aggregate_many_nodes(request_);
  EXPECT_EQ(got.status, 1);
  EXPECT_EQ(json("agg_r.json").dump(), R"({"hw":"z","power_metric_schema_version":2,"power_valid":0})");
  EXPECT_THAT(got.err, HasSubstr("[aggregate_power_multinode] Power validation failed: producer_pin_missing "
                                 "(details: "));
}

TEST_F(ManyNodesPower, MissingPartsAreNamed) {
  std::filesystem::remove(path("LOGS/power/samples.csv"));
  EXPECT_THAT(aggregate_many_nodes(request_).err, HasSubstr("samples_csv_missing in samples.csv"));
  put("LOGS/power/manifest.json", "{");
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("manifest_malformed"));
  EXPECT_THAT(
      aggregate_many_nodes(request_).err,
      HasSubstr("manifest unreadable: Expecting property name enclosed in double quotes: line 1 column 2 "
                "(char 1)"));
  std::filesystem::remove(path("LOGS/power/manifest.json"));
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("manifest_missing"));
  std::filesystem::remove_all(path("LOGS/power"));
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("power_artifacts_missing"));
  EXPECT_EQ(json("power_validation_r.json")["producer"]["expected_producer_git_commit"], "abc");
}

TEST_F(ManyNodesPower, LinksOutOfThePackageAreRefused) {
  std::filesystem::create_symlink("w.json", path("LOGS/power/windows/link.json"));
  EXPECT_THAT(aggregate_many_nodes(request_).err,
              HasSubstr("measurement_window_artifact_path_invalid (windows/link.json)"));
  std::filesystem::remove(path("LOGS/power/windows/link.json"));
  std::filesystem::rename(path("LOGS/x"), path("elsewhere"));
  std::filesystem::create_symlink("../elsewhere", path("LOGS/x"));
  EXPECT_THAT(aggregate_many_nodes(request_).err, HasSubstr("measurement_window_result_path_invalid"));
  std::filesystem::rename(path("LOGS/power/windows"), path("w2"));
  std::filesystem::create_symlink("../../w2", path("LOGS/power/windows"));
  EXPECT_THAT(aggregate_many_nodes(request_).err,
              HasSubstr("measurement_window_artifact_path_invalid (windows)"));
}

TEST_F(ManyNodesPower, ReasonsOfTheResultComeLast) {
  Json result = sample_result();
  result["completed"] = 0;
  put("r.json", result.dump());
  put("LOGS/x/w.json", result.dump());
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("invalid_successful_query_count"));
  put("r.json", "{");
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("invalid_benchmark_result"));
}

TEST_F(ManyNodesPower, ProblemsOfTheProcessedResultAreFailures) {
  std::filesystem::remove(path("agg_r.json"));
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("aggregate_result_missing"));
  EXPECT_EQ(json("power_validation_r.json")["failures"][0], "aggregate missing: " + path("agg_r.json"));
  put("agg_r.json", "[]");
  EXPECT_THAT(aggregate_many_nodes(request_).reasons, ElementsAre("aggregate_result_unwritable"));
}

TEST(ManyNodesRequest, TakesTheEnvironment) {
  const auto request = many_nodes_request([](const char* name) -> std::optional<std::string> {
    if (name == std::string("POWER_ARTIFACT_DIR")) return "p";
    if (name == std::string("POWER_PRODUCER_SHA")) return "s";
    if (name == std::string("REQUIRE_POWER")) return "yes";
    return std::nullopt;
  });
  EXPECT_EQ(request.power_dir, "p");
  EXPECT_EQ(request.logs_root, "LOGS");
  EXPECT_EQ(request.producer_commit, "s");
  EXPECT_TRUE(request.required);
}

}  // namespace
}  // namespace sweep::power
