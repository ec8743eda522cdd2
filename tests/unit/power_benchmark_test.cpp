// controller/power/benchmark: the window and the counts of a client's result.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controller/power/benchmark.hpp"
#include "util/json.hpp"

namespace sweep::power {
namespace {

using Json = nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Json client_result() {
  return {{"benchmark_start_time_unix", 100.5},
          {"benchmark_end_time_unix", 120.5},
          {"duration", 20},
          {"completed", 8},
          {"total_input_tokens", 800},
          {"total_output_tokens", 80}};
}

BenchmarkReading with(const char* key, const Json& value) {
  Json result = client_result();
  result[key] = value;
  return read_benchmark(result);
}

TEST(Benchmark, WindowAndCountsAreRead) {
  const BenchmarkReading got = read_benchmark(client_result());
  ASSERT_TRUE(got.benchmark);
  EXPECT_THAT(got.reasons.all(), IsEmpty());
  EXPECT_EQ(got.benchmark->window(), 20);
  EXPECT_EQ(got.benchmark->completed, 8);
  EXPECT_EQ(
      window_json(got.benchmark).dump(),
      R"({"start_time_unix":100.5,"end_time_unix":120.5,"reported_duration_s":20.0,)"
      R"("integration_duration_s":20.0,"completed":8,"total_input_tokens":800,"total_output_tokens":80})");
  EXPECT_TRUE(window_json(std::nullopt).is_null());
}

TEST(Benchmark, WindowMustBeFiniteNumbersInOrder) {
  const double infinity = std::numeric_limits<double>::infinity();
  for (const char* key : {"benchmark_start_time_unix", "benchmark_end_time_unix", "duration"}) {
    for (const Json& value : {Json("100"), Json(true), Json(), Json(infinity), Json::array()}) {
      const BenchmarkReading got = with(key, value);
      EXPECT_FALSE(got.benchmark) << key << value;
      EXPECT_THAT(got.reasons.all(), ElementsAre("invalid_benchmark_window")) << key << value;
      EXPECT_THAT(got.notes.front(), HasSubstr(key));
    }
  }
  EXPECT_FALSE(with("benchmark_end_time_unix", 100.5).benchmark);
  EXPECT_FALSE(with("duration", 0).benchmark);
}

TEST(Benchmark, DurationMayDifferByHalfASecondOrOnePerCent) {
  EXPECT_THAT(with("duration", 20.5).reasons.all(), IsEmpty());
  EXPECT_THAT(with("duration", 20.51).reasons.all(), ElementsAre("benchmark_duration_mismatch"));
  Json hour = client_result();
  hour["benchmark_end_time_unix"] = 3700.5;
  hour["duration"] = 3635;
  EXPECT_THAT(read_benchmark(hour).reasons.all(), IsEmpty());
  hour["duration"] = 3640;
  EXPECT_THAT(read_benchmark(hour).reasons.all(), ElementsAre("benchmark_duration_mismatch"));
}

TEST(Benchmark, CountsMustBeWholeAndPositive) {
  const std::pair<const char*, const char*> counts[] = {
      {"completed", "invalid_successful_query_count"},
      {"total_input_tokens", "invalid_input_token_count"},
      {"total_output_tokens", "invalid_output_token_count"}};
  for (const auto& [key, reason] : counts) {
    for (const Json& value : {Json(0), Json(-1), Json(1.0), Json(true), Json("1"), Json()}) {
      const BenchmarkReading got = with(key, value);
      ASSERT_TRUE(got.benchmark);
      EXPECT_THAT(got.reasons.all(), ElementsAre(reason)) << value;
    }
  }
  EXPECT_EQ(with("completed", 2.5).benchmark->completed, 0);
  EXPECT_THAT(with("completed", "many").notes,
              ElementsAre("completed is \"many\", expected a whole number above 0"));
}

TEST(Benchmark, ReasonsAreInOrderAndOnce) {
  Json result = client_result();
  result["duration"] = 50;
  result["completed"] = 0;
  result.erase("total_output_tokens");
  EXPECT_THAT(read_benchmark(result).reasons.all(),
              ElementsAre("benchmark_duration_mismatch", "invalid_successful_query_count",
                          "invalid_output_token_count"));
  Reasons reasons;
  reasons.add("b");
  reasons.add("a");
  reasons.add("b");
  EXPECT_THAT(reasons.all(), ElementsAre("b", "a"));
}

TEST(Benchmark, ListIsNoResult) {
  EXPECT_THAT(read_benchmark(Json::array()).reasons.all(), ElementsAre("invalid_benchmark_result"));
}

}  // namespace
}  // namespace sweep::power
