// From records to the result file: keys, definitions and order of the contract; failures; the client-bound
// verdict.
#include "benchmarks/sweep-bench/core/result.hpp"

#include <gtest/gtest.h>

#include "util/json.hpp"

namespace sweep::client {
namespace {

constexpr Nanos kSecond = 1'000'000'000;

struct SampleRun {
  Setup setup;
  Plan plan;
  std::vector<RequestRecord> records;
  ClientReport client;

  explicit SampleRun(Options o = {}) {
    o.model = "org/Model";
    o.num_prompts = 4;
    setup = check_options(o).value();
    plan = make_plan(setup.options);
    records.resize(4);
    for (std::size_t i = 0; i < 3; ++i) {  // TTFT 1, 2, 3 s; then two gaps of 0.5 s
      RequestRecord& r = records[i];
      r.sent = 5 * kSecond;
      r.scheduled = r.sent - kSecond / 1000;
      r.arrival = r.scheduled - kSecond;
      r.first = r.sent + static_cast<Nanos>(i + 1) * kSecond;
      r.last = r.first + kSecond;
      r.gaps = {0.5F, 0.5F};
      r.chunks = 3;
      r.prompt_tokens = 10;
      r.completion_tokens = 5;
    }
    records[3].failure = Failure::Cut;
    records[3].first = kSecond * 500;
    records[3].gaps = {99.0F};
    records[3].prompt_tokens = 1'000'000;
  }
  Metrics metrics() const { return measure(setup, plan, records, 5 * kSecond, 15 * kSecond); }
  nlohmann::ordered_json json() const {
    return result_json(setup, {"20251120-140305", 1, 2, "ids"}, metrics(), client, records);
  }
};

TEST(ClientMetrics, FollowTheDefinitionsOfTheContract) {
  const auto json = SampleRun().json();
  EXPECT_EQ(json["completed"], 3);
  EXPECT_EQ(json["total_input_tokens"], 30);
  EXPECT_EQ(json["total_output_tokens"], 15);  // from usage, not the nine chunks
  EXPECT_DOUBLE_EQ(json["output_throughput"], 1.5);
  EXPECT_DOUBLE_EQ(json["total_token_throughput"], 4.5);
  EXPECT_DOUBLE_EQ(json["request_throughput"], 0.3);
  EXPECT_DOUBLE_EQ(json["mean_ttft_ms"], 2000);
  EXPECT_NEAR(json["std_ttft_ms"], 816.4965809, 1e-6);  // divisor n
  EXPECT_NEAR(json["p90_ttft_ms"], 2800, 1e-9);         // between the second and the third
  EXPECT_DOUBLE_EQ(json["median_tpot_ms"], 250);        // 1 s / (5 - 1) tokens
  EXPECT_DOUBLE_EQ(json["mean_itl_ms"], 500);
  EXPECT_DOUBLE_EQ(json["median_e2el_ms"], 3000);
  EXPECT_TRUE(json["request_goodput:"].is_null());
}

TEST(ClientMetrics, FailedRequestsAreExcludedFromAverages) {
  SampleRun run;
  const auto json = run.json();
  EXPECT_EQ(json["failures"]["cut"], 1);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_DOUBLE_EQ(json["failure_ratio"], 0.25);
  EXPECT_EQ(json["output_lens"][3], 0);
  for (RequestRecord& record : run.records)
    record.failure = Failure::Refused;
  const auto none = run.json();
  EXPECT_EQ(none["completed"], 0);
  EXPECT_EQ(none["p99_itl_ms"], 0.0);
}

TEST(ClientMetrics, GoodputCountsRequestsWithinEveryLimit) {
  Options o;
  o.goodput = {"ttft:2000", "e2el:10000", "tpot:250"};
  EXPECT_DOUBLE_EQ(SampleRun(o).json()["request_goodput:"], 0.2);
  o.goodput = {"tpot:249"};
  EXPECT_DOUBLE_EQ(SampleRun(o).json()["request_goodput:"], 0.0);
}

TEST(ClientMetrics, ChunksAreCountedOnlyWithoutUsageAndReported) {
  SampleRun run;
  EXPECT_EQ(run.json()["output_tokens_from"], "usage");
  run.records[0].completion_tokens.reset();
  EXPECT_EQ(run.json()["total_output_tokens"], 13);
  EXPECT_EQ(run.json()["requests_without_usage"], 1);
  EXPECT_NE(run.json()["output_tokens_from"], "usage");
}

TEST(ClientResult, KeysAreInTheOrderOfTheContract) {
  Options o;
  o.metadata = {"tp=8"};
  o.save_detailed = true;
  std::vector<std::string> keys;
  const auto json = SampleRun(o).json();
  for (const auto& [key, value] : json.items())
    keys.push_back(key);
  const std::vector<std::string> begin = {"date",
                                          "backend",
                                          "model_id",
                                          "tokenizer_id",
                                          "best_of",
                                          "num_prompts",
                                          "tp",
                                          "request_rate",
                                          "burstiness",
                                          "max_concurrency",
                                          "duration",
                                          "completed",
                                          "total_input_tokens",
                                          "total_output_tokens",
                                          "request_throughput",
                                          "request_goodput:",
                                          "output_throughput",
                                          "total_token_throughput",
                                          "input_lens",
                                          "output_lens",
                                          "ttfts",
                                          "itls",
                                          "generated_texts",
                                          "errors",
                                          "mean_ttft_ms",
                                          "median_ttft_ms",
                                          "std_ttft_ms",
                                          "p90_ttft_ms",
                                          "p99_ttft_ms",
                                          "p99.9_ttft_ms",
                                          "mean_tpot_ms"};
  ASSERT_GT(keys.size(), begin.size());
  EXPECT_EQ(std::vector<std::string>(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(begin.size())),
            begin);
}

// Tools that process a result treat every top-level key that ends in "ms" as a latency.
TEST(ClientResult, AdditionalKeysDoNotLookLikeLatencies) {
  bool additional = false;
  const auto json = SampleRun().json();
  for (const auto& [key, value] : json.items()) {
    additional = additional || key == "benchmark_start_time_unix";
    EXPECT_FALSE(additional && key.ends_with("ms")) << key;
  }
  EXPECT_TRUE(additional);
}

TEST(ClientResult, SimulatedResultIsMarked) {
  SampleRun run;
  EXPECT_FALSE(run.json().contains("simulated"));
  run.records[1].simulated = true;
  EXPECT_EQ(run.json()["simulated"], true);
}

TEST(ClientResult, DefaultPathIsThatOfBenchmarkServing) {
  Options o;
  o.max_concurrency = 4;
  EXPECT_EQ(result_path(SampleRun(o).setup, "D"), "vllm-infqps-concurrency4-Model-D.json");
  o.result_dir = "out/";
  o.result_filename = "r.json";
  EXPECT_EQ(result_path(SampleRun(o).setup, "D"), "out/r.json");
}

TEST(ClientLag, PercentilesAreExactToOneStep) {
  LagHistogram lags, more;
  for (Nanos i = 1; i <= 1000; ++i)
    lags.add(i * 1000);
  EXPECT_NEAR(lags.percentile(50), 500e-6, 35e-6);
  EXPECT_NEAR(lags.percentile(99), 990e-6, 70e-6);
  EXPECT_DOUBLE_EQ(lags.percentile(100), 1e-3);
  more.add(lags);
  EXPECT_EQ(more.count(), 1000U);
  EXPECT_EQ(LagHistogram().percentile(99), 0);
}

TEST(ClientLag, VerdictNamesTheExcessiveLag) {
  SampleRun run;
  EXPECT_EQ(run.json()["client_bound"], false);
  run.client.read_lag.add(20'000'000);
  EXPECT_EQ(run.json()["client_bound"], true);
  run.client = {};
  for (RequestRecord& record : run.records)
    record.scheduled = record.sent - kSecond / 10;  // below a tenth of the median TTFT, 2 s
  EXPECT_EQ(run.json()["client_bound"], false);
  for (RequestRecord& record : run.records)
    record.scheduled = record.sent - kSecond / 2;
  const auto json = run.json();
  EXPECT_EQ(json["client_bound"], true);
  EXPECT_NE(json["client_bound_reason"].get<std::string>().find("could be sent"), std::string::npos);
}

}  // namespace
}  // namespace sweep::client
