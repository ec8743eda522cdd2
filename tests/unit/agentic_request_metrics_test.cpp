// controller/agentic/statistics and request_metrics.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/agentic/request_metrics.hpp"
#include "controller/agentic/statistics.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using Json = nlohmann::ordered_json;

TEST(Statistics, PercentilesAreInterpolated) {
  const std::vector<double> values = {1, 2, 3, 4, 5};
  EXPECT_DOUBLE_EQ(percentile(values, 50), 3);
  EXPECT_DOUBLE_EQ(percentile(values, 90), 4.6);
  EXPECT_DOUBLE_EQ(percentile(values, 100), 5);
  EXPECT_DOUBLE_EQ(percentile({7}, 95), 7);
  EXPECT_DOUBLE_EQ(percentile({}, 50), 0);
}

TEST(Statistics, DeviationIsOfThePopulation) {
  EXPECT_EQ(statistics({4, 2}).dump(), R"({"mean":3.0,"p50":3.0,"p75":3.5,"p90":3.8,"p95":3.9,"std":1.0})");
  EXPECT_EQ(statistics({4}).dump(), R"({"mean":4.0,"p50":4.0,"p75":4.0,"p90":4.0,"p95":4.0,"std":0.0})");
  EXPECT_EQ(statistics({}).dump(), "{}");
}

TEST(Statistics, MeanOfCountsIsWholeIfItCanBe) {
  EXPECT_TRUE(count_statistics({0, 0})["mean"].is_number_integer());
  EXPECT_TRUE(count_statistics({1, 2})["mean"].is_number_float());
}

TEST(Statistics, ReciprocalsShowTheSlowTail) {
  const Json got = reciprocal_statistics({0.1, 0.2});
  EXPECT_DOUBLE_EQ(got["mean"].get<double>(), 1 / 0.15);
  EXPECT_DOUBLE_EQ(got["p90"].get<double>(), 1 / 0.19);
  EXPECT_DOUBLE_EQ(got["std"].get<double>(), 2.5);  // of 10 and 5
  EXPECT_EQ(reciprocal_statistics({}).dump(), "{}");
}

constexpr std::int64_t kSecond = 1'000'000'000;

Records sample() {
  Records out;
  out.usable = 4;
  out.itl = {0.02, 0.04};
  out.e2el_per_token = {0.05};
  out.input_tokens = {100, 300};
  out.output_tokens = {10, 30};
  out.starts = {10 * kSecond, 11 * kSecond};
  out.ends = {12 * kSecond, 12 * kSecond + kSecond / 2, 13 * kSecond, 14 * kSecond + kSecond / 2};
  return out;
}

Json metrics(const Records& records, std::int64_t gpus = 2, const Json& aggregate = Json::object()) {
  return request_metrics(records, aggregate, {7, 9}, gpus);
}

TEST(RequestMetrics, RequestsPerSecondAreCountedInWholeWindows) {
  // Windows from 12 to 13 and from 13 to 14; the rest of the run is shorter than one.
  EXPECT_EQ(
      metrics(sample())["qps"].dump(),
      R"({"window_seconds":1.0,"samples":2,"mean":1.5,"p50":1.5,"p75":1.75,"p90":1.9,"p95":1.95,"std":0.5})");
}

TEST(RequestMetrics, ShortRunHasOnlyAMeanRate) {
  Records records = sample();
  records.ends = {12 * kSecond, 12 * kSecond + kSecond / 2};
  EXPECT_EQ(metrics(records)["qps"].dump(), R"({"window_seconds":1.0,"samples":0,"mean":4.0})");
  records.ends = {12 * kSecond, 12 * kSecond};
  EXPECT_EQ(metrics(records)["qps"].dump(), "{}");
}

TEST(RequestMetrics, ThroughputIsOverTheWholeRunAndPerGpu) {
  const Json throughput = metrics(sample())["throughput"];
  EXPECT_EQ(throughput["duration_seconds"], 4.5);
  EXPECT_DOUBLE_EQ(throughput["input"]["tokens_per_second"].get<double>(), 400 / 4.5);
  EXPECT_DOUBLE_EQ(throughput["per_gpu"]["total_tput_tps"].get<double>(), 440 / 4.5 / 2);
  EXPECT_EQ(metrics(sample(), 0)["throughput"]["per_gpu"].dump(), "{}");
  Records records = sample();
  records.starts.clear();
  EXPECT_EQ(metrics(records)["throughput"].dump(), "{}");
}

TEST(RequestMetrics, LatenciesAndTokensHaveTheirKeys) {
  const Json got = metrics(sample());
  EXPECT_EQ(got["latency"]["tpot"], got["latency"]["itl"]);
  EXPECT_EQ(got["latency"]["ttft"].dump(), "{}");
  EXPECT_DOUBLE_EQ(got["latency"]["e2e_norm_intvty"]["p50"].get<double>(), 20);
  EXPECT_EQ(got["tokens"]["output_expected"]["mean"], 8);
}

TEST(RequestMetrics, TheoreticalHitRateIsAFraction) {
  const auto rate = [](const Json& metric) {
    return metrics(sample(), 1,
                   {{"theoretical_prefix_cache_hit", metric}})["cache"]["theoretical_cache_hit_rate"];
  };
  EXPECT_EQ(rate({{"sum", 3}, {"count", 8}, {"avg", 1}}), 0.375);
  EXPECT_EQ(rate({{"sum", 3}, {"count", 0}, {"avg", 37.5}, {"unit", "%"}}), 0.375);
  EXPECT_EQ(rate({{"avg", 0.4}}), 0.4);
  EXPECT_TRUE(rate({{"avg", "x"}}).is_null());
  EXPECT_TRUE(rate(5).is_null());
}

}  // namespace
}  // namespace sweep::agentic
