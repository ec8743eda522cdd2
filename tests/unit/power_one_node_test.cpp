// controller/power/one_node: files, lines and statuses of aggregate-power for one node.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "controller/power/one_node.hpp"
#include "controller/power/paths.hpp"
#include "controller/python/json_read.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::power {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr const char* kResult =
    R"({"benchmark_start_time_unix": 100, "benchmark_end_time_unix": 110, "duration": 10, "completed": 5,)"
    R"( "total_input_tokens": 1000, "total_output_tokens": 100, "ttfts": [0.1, 0.2]})";

class OneNodePower : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    put("r.json", kResult);
    put("agg_r.json", R"({"hw": "z", "avg_power_w": 7})");
    std::string rows = "timestamp, index, power.draw [W]\n";
    for (int time = 99; time <= 111; ++time)
      rows += std::to_string(time) + ", 0, 100.00 W\n" + std::to_string(time) + ", 1, 300.00 W\n";
    put("m.csv", rows);
    request_.csv = path("m.csv");
    request_.bench_result = path("r.json");
    request_.agg_result = path("agg_r.json");
    request_.expected_gpus = 2;
  }

  Json json(const std::string& name) const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? python::read_json(*bytes).value_or(Json()) : Json();
  }

  OneNodeRequest request_;
};

TEST_F(OneNodePower, ValidPowerIsInResultAndSidecar) {
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_TRUE(got.valid);
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.out,
            "[aggregate_power] avg_power_w=200.00 avg_total_gpu_power_w=400.00 "
            "total_gpu_energy_j=4000.00 (n=2) -> " +
                path("agg_r.json") + "\n");
  EXPECT_EQ(got.err, "");
  const Json result = json("agg_r.json");
  EXPECT_EQ(result["power_valid"], 1);
  EXPECT_EQ(result["avg_power_w"], 200.0);
  EXPECT_EQ(result["joules_per_output_token"], 40.0);
  const Json sidecar = json("power_validation_r.json");
  EXPECT_EQ(sidecar["power_valid"], true);
  EXPECT_EQ(sidecar["telemetry_source"], path("m.csv"));
  EXPECT_EQ(sidecar["per_gpu_energy_j"].dump(), R"({"0":1000.0,"1":3000.0})");
  EXPECT_TRUE(sidecar["accumulator_check"].is_null());
}

TEST_F(OneNodePower, InvalidPowerIsNoFailureUnlessRequired) {
  request_.expected_gpus = 4;
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_FALSE(got.valid);
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(got.out, "");
  EXPECT_THAT(got.err, HasSubstr("the stream has 2 GPUs (0, 1), expected 4\n"));
  EXPECT_THAT(got.err, HasSubstr("[aggregate_power] Power validation failed: expected_gpu_count_mismatch "
                                 "(details: " +
                                 path("power_validation_r.json") + ")\n"));
  EXPECT_EQ(json("agg_r.json").dump(), R"({"hw":"z","power_metric_schema_version":2,"power_valid":0})");
  EXPECT_EQ(json("power_validation_r.json")["metrics"].dump(), "{}");
  request_.required = true;
  EXPECT_EQ(aggregate_one_node(request_).status, 1);
}

TEST_F(OneNodePower, MissingEmptyAndUnreadableStreamsAreTold) {
  put("m.csv", "");
  EXPECT_THAT(aggregate_one_node(request_).reasons, ElementsAre("telemetry_file_empty"));
  put("m.csv", "time,index,power\n1,0," + std::string(200'000, 'x') + "\n");
  EXPECT_THAT(aggregate_one_node(request_).reasons, ElementsAre("telemetry_file_unreadable"));
  std::filesystem::remove(path("m.csv"));
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_THAT(got.reasons, ElementsAre("telemetry_file_missing"));
  EXPECT_THAT(got.err, HasSubstr("give the GPU monitor's file with --csv or GPU_METRICS_CSV"));
}

TEST_F(OneNodePower, UnreadableResultNeedsNoStream) {
  put("r.json", "{");
  request_.csv = path("none.csv");
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_THAT(got.reasons, ElementsAre("invalid_benchmark_result"));
  EXPECT_THAT(got.err, HasSubstr("r.json: line 1"));
  EXPECT_TRUE(json("power_validation_r.json")["benchmark_window"].is_null());
  EXPECT_EQ(json("power_validation_r.json")["expected_gpu_count"], 2);
}

TEST_F(OneNodePower, MissingProcessedResultIsInTheSidecar) {
  std::filesystem::remove(path("agg_r.json"));
  EXPECT_THAT(aggregate_one_node(request_).reasons, ElementsAre("aggregate_result_missing"));
  EXPECT_EQ(json("power_validation_r.json")["reasons"].dump(), R"(["aggregate_result_missing"])");
  EXPECT_EQ(json("power_validation_r.json")["metrics"].dump(), "{}");
}

TEST_F(OneNodePower, BrokenProcessedResultIsNotOverwritten) {
  put("agg_r.json", "[1]");
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_THAT(got.reasons, ElementsAre("aggregate_result_unwritable"));
  EXPECT_THAT(got.err, HasSubstr("Failed to patch " + path("agg_r.json")));
  EXPECT_EQ(json("agg_r.json").dump(), "[1]");
}

TEST_F(OneNodePower, SidecarsFolderIsMade) {
  request_.sidecar = path("a/b/v.json");
  EXPECT_TRUE(aggregate_one_node(request_).valid);
  EXPECT_EQ(json("a/b/v.json")["power_valid"], true);
}

TEST_F(OneNodePower, SidecarThatCannotBeWrittenIsReported) {
  put("file", "");
  request_.sidecar = path("file/v.json");
  request_.required = true;
  const PowerReport got = aggregate_one_node(request_);
  EXPECT_EQ(got.status, 1);
  EXPECT_THAT(got.err, HasSubstr("Failed to write validation artifact " + path("file/v.json")));
}

TEST_F(OneNodePower, CountersAreCompared) {
  put("m_energy_start.csv", "gpu,total_energy_consumption\n0,0\n1,0\n");
  aggregate_one_node(request_);
  EXPECT_EQ(json("power_validation_r.json")["accumulator_check"].dump(),
            R"({"available":false,"reason":"missing_end_snapshot"})");
  put("m_energy_end.csv", "gpu,energy\n0,0\n");
  aggregate_one_node(request_);
  EXPECT_EQ(json("power_validation_r.json")["accumulator_check"]["reason"], "unparseable_end_snapshot");
  put("m_energy_end.csv", "gpu,total_energy_consumption\n0,1200\n1,3600\n");
  aggregate_one_node(request_);
  EXPECT_EQ(json("power_validation_r.json")["accumulator_check"]["within_tolerance"], true);
  std::filesystem::remove(path("m_energy_start.csv"));
  aggregate_one_node(request_);
  EXPECT_EQ(json("power_validation_r.json")["accumulator_check"]["reason"], "missing_start_snapshot");
}

TEST_F(OneNodePower, ZoneOfLocalTimesIsTold) {
  // The window is at 00:01:40 UTC of 1970-01-01; the monitor's clock is nine hours ahead of what is assumed.
  std::string rows = "time,index,power\n";
  for (int second = 39; second <= 51; ++second)
    rows += "1970/01/01 09:01:" + std::to_string(second) + ",0,100\n";
  put("m.csv", rows);
  request_.expected_gpus = 1;
  ::setenv("TZ", "UTC", 1);
  ::tzset();
  const PowerReport got = aggregate_one_node(request_);
  ::unsetenv("TZ");
  ::tzset();
  EXPECT_THAT(got.reasons, ElementsAre("no_usable_power_samples"));
  EXPECT_THAT(got.err, HasSubstr("have no zone and were read as local time, UTC+00:00; they do not cover the "
                                 "benchmark's window, but in UTC+09:00 they would"));
  EXPECT_THAT(got.err, HasSubstr("run again with TZ=UTC-9\n"));
}

std::function<std::optional<std::string>(const char*)> variables(std::map<std::string, std::string> all) {
  return [all](const char* name) {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST_F(OneNodePower, MonitorsFileIsTheFirstThatExists) {
  EXPECT_EQ(gpu_metrics_file(variables({{"GPU_METRICS_CSV", path("m.csv")}})), path("m.csv"));
  EXPECT_EQ(gpu_metrics_file(variables({{"GPU_METRICS_CSV", path("none.csv")}})), path("none.csv"));
  EXPECT_EQ(gpu_metrics_file(variables({})), "gpu_metrics.csv");
  EXPECT_EQ(gpu_metrics_file(variables({{"GPU_METRICS_CSV", ""}})), "gpu_metrics.csv");
}

TEST(PowerRequired, TakesThreeWords) {
  for (const char* word : {"1", "true", "YES"})
    EXPECT_TRUE(power_required(variables({{"REQUIRE_POWER", word}}))) << word;
  for (const char* word : {"", "0", "on", "no"})
    EXPECT_FALSE(power_required(variables({{"REQUIRE_POWER", word}}))) << word;
  EXPECT_FALSE(power_required(variables({})));
}

TEST(PythonPaths, AreWrittenAsPathlibDoes) {
  EXPECT_EQ(python_path("./a//b/./c/"), "a/b/c");
  EXPECT_EQ(python_path("a/../b"), "a/../b");
  EXPECT_EQ(python_path("///a"), "/a");
  EXPECT_EQ(python_path("//a"), "//a");
  EXPECT_EQ(python_path(""), ".");
  EXPECT_EQ(python_path("/"), "/");
  EXPECT_EQ(stem("x/a.b.json"), "a.b");
  EXPECT_EQ(stem(".json"), ".json");
  EXPECT_EQ(stem("a."), "a.");
  EXPECT_EQ(sibling("x/r.json", "s"), "x/s");
  EXPECT_EQ(sibling("r.json", "s"), "s");
  EXPECT_EQ(below("x/", "s"), "x/s");
  EXPECT_EQ(below(".", "s"), "s");
}

}  // namespace
}  // namespace sweep::power
