// controller/agentic/power_window and power: the window of an agentic run.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "controller/agentic/power.hpp"
#include "controller/agentic/power_window.hpp"
#include "controller/python/json_read.hpp"
#include "tests/unit/net_folder.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

Records records(std::vector<std::int64_t> input = {10, 20}, std::vector<std::int64_t> output = {1, 2}) {
  Records out;
  out.usable = 2;
  out.input_tokens = std::move(input);
  out.output_tokens = std::move(output);
  return out;
}

PowerWindow window(const Json& start, const Json& end,
                   const std::optional<std::string>& zone = std::nullopt) {
  return power_window({{"start_time", start}, {"end_time", end}}, records(), zone);
}

TEST(PowerWindow, HasTheFormOfAClientsResult) {
  EXPECT_EQ(
      window(100, 110.5).json.dump(),
      R"({"benchmark_start_time_unix":100.0,"benchmark_end_time_unix":110.5,"duration":10.5,"completed":2,)"
      R"("total_input_tokens":30,"total_output_tokens":3})");
}

TEST(PowerWindow, TimesWithoutZoneNeedTheFile) {
  const char* const start = "2023-11-14T22:13:20";
  const char* const end = "2023-11-14T22:13:30";
  EXPECT_EQ(window(start, end).reason, "profile_timezone_offset_missing");
  EXPECT_THAT(window(start, end).note, HasSubstr("agentic_power_timezone_offset.txt"));
  EXPECT_EQ(window(start, end, "UTC").reason, "profile_timezone_offset_invalid");
  EXPECT_EQ(window(start, end, "+0900\n").json["benchmark_start_time_unix"], 1700000000.0 - 9 * 3600);
  EXPECT_EQ(window("2023-11-14T22:13:20Z", "2023-11-15T07:13:30+09:00").json["duration"], 10.0);
}

TEST(PowerWindow, TimesMustBeThereAndInOrder) {
  EXPECT_EQ(window(nullptr, 5).reason, "profile_window_missing");
  EXPECT_EQ(power_window({{"start_time", 5}}, records(), std::nullopt).reason, "profile_window_missing");
  for (const Json& end : {Json(100), Json(99), Json(true), Json("soon"), Json("")})
    EXPECT_EQ(window(100, end).reason, "profile_window_invalid") << end;
}

TEST(PowerWindow, EveryRequestNeedsItsTokens) {
  const auto reason = [](const Records& given) {
    return power_window({{"start_time", 1}, {"end_time", 2}}, given, std::nullopt).reason;
  };
  EXPECT_EQ(reason(Records()), "successful_request_count_invalid");
  EXPECT_EQ(reason(records({10})), "incomplete_token_accounting");
  EXPECT_EQ(reason(records({10, 20}, {0, 0})), "incomplete_token_accounting");
  EXPECT_EQ(reason(records({10, -1})), "incomplete_token_accounting");
}

class AgenticPower : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    std::filesystem::create_directories(path("d/aiperf_artifacts"));
    put("d/aiperf_artifacts/profile_export_aiperf.json", R"({"start_time": 100, "end_time": 110})");
    put("d/aiperf_artifacts/profile_export.jsonl",
        R"({"metrics": {"input_sequence_length": 1000, "output_sequence_length": 100}})");
    std::string rows = "time,index,power\n";
    for (int time = 99; time <= 111; ++time)
      rows += std::to_string(time) + ",0,100\n";
    put("d/gpu_metrics.csv", rows);
    put("agg.json", "{\"avg_power_w\": 5}");
    request_ = {path("d"), path("agg.json"), 1, true};
  }

  Json json(const std::string& name) const {
    const auto bytes = read_file(path(name), 1 << 20);
    return bytes ? python::read_json(*bytes).value_or(Json()) : Json();
  }

  PowerRequest request_;
};

TEST_F(AgenticPower, WindowAndSidecarAreInTheResultsFolder) {
  const auto got = aggregate_power(request_);
  EXPECT_TRUE(got.valid) << got.err;
  EXPECT_EQ(got.status, 0);
  EXPECT_EQ(json("d/agentic_power_window.json")["completed"], 1);
  EXPECT_EQ(json("d/power_validation.json")["benchmark_result"], path("d/agentic_power_window.json"));
  EXPECT_EQ(json("agg.json")["joules_per_output_token"], 10.0);
}

TEST_F(AgenticPower, WithoutWindowPowerIsNotValid) {
  put("d/aiperf_artifacts/profile_export_aiperf.json", "{}");
  const auto got = aggregate_power(request_);
  EXPECT_EQ(got.status, 1);
  EXPECT_THAT(got.err, HasSubstr("start_time is missing in profile_export_aiperf.json\n"));
  EXPECT_THAT(got.err, HasSubstr("[agentx_power] Power-window adaptation failed: profile_window_missing\n"));
  EXPECT_EQ(json("agg.json").dump(), R"({"power_metric_schema_version":2,"power_valid":0})");
  const Json sidecar = json("d/power_validation.json");
  EXPECT_EQ(sidecar["reasons"].dump(), R"(["profile_window_missing"])");
  EXPECT_EQ(std::prev(sidecar.end()).key(), "window_source");
  EXPECT_EQ(sidecar["expected_gpu_count"], 1);
}

TEST_F(AgenticPower, FilesMustBeThereAndReadable) {
  put("d/aiperf_artifacts/profile_export.jsonl", "{\"metrics\": {}}\n{broken\n");
  EXPECT_THAT(aggregate_power(request_).reasons, ElementsAre("profile_artifacts_invalid"));
  EXPECT_THAT(aggregate_power(request_).err, HasSubstr("profile_export.jsonl:2: not JSON"));
  put("d/aiperf_artifacts/profile_export_aiperf.json", "[]");
  EXPECT_THAT(aggregate_power(request_).reasons, ElementsAre("profile_artifacts_invalid"));
  std::filesystem::remove(path("d/aiperf_artifacts/profile_export.jsonl"));
  EXPECT_THAT(aggregate_power(request_).reasons, ElementsAre("profile_artifacts_missing"));
}

TEST_F(AgenticPower, WindowThatCannotBeWrittenIsAReason) {
  std::filesystem::create_directories(path("d/agentic_power_window.json/x"));
  EXPECT_THAT(aggregate_power(request_).reasons, ElementsAre("power_window_unwritable"));
}

TEST_F(AgenticPower, MissingResultStillGetsASidecar) {
  std::filesystem::remove(path("agg.json"));
  put("d/aiperf_artifacts/profile_export_aiperf.json", "{}");
  aggregate_power(request_);
  EXPECT_EQ(json("d/power_validation.json")["power_valid"], false);
}

}  // namespace
}  // namespace sweep::agentic
