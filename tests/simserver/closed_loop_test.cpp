// A whole simulated benchmark: sums, orders of magnitude, and trends.
#include "benchmarks/sweep-simserver/core/closed_loop.hpp"

#include <gmock/gmock.h>

#include "tests/simserver/setups.hpp"

namespace sweep::sim_server {
namespace {

ClosedLoopResult simulate(const Deployment& setup, const ClosedLoop& loop, const Limits& limits = {}) {
  auto result = simulate_closed_loop(setup, limits, loop);
  if (!result) throw std::runtime_error(result.error().message);
  return *result;
}

ClosedLoop loop_with_concurrency(std::uint32_t concurrency) {
  return {.concurrency = concurrency,
          .num_prompts = concurrency * 10,
          .isl = 1024,
          .osl = 1024,
          .range_ratio = 0.8,
          .seed = 1};
}

TEST(ClosedLoop, TotalsAreConsistent) {
  const auto result = simulate(deployment("dsr1", "b200", Precision::Fp4, 8), loop_with_concurrency(16));
  EXPECT_GE(result.input_tokens, 160U * 819);
  EXPECT_LE(result.input_tokens, 160U * 1024);
  EXPECT_NEAR(static_cast<double>(result.output_tokens), 160 * 921.5, 160 * 20);
  EXPECT_DOUBLE_EQ(result.output_throughput * result.duration, static_cast<double>(result.output_tokens));
  EXPECT_DOUBLE_EQ(result.total_throughput * result.duration,
                   static_cast<double>(result.output_tokens + result.input_tokens));
  EXPECT_NEAR(result.e2el.mean, result.ttft.mean + result.tpot.mean * 920, 0.02 * result.e2el.mean);
  // Little's law: requests in flight = rate x latency, except at the end.
  EXPECT_NEAR(result.request_throughput * result.e2el.mean, 16, 1);
}

TEST(ClosedLoop, LengthsWithoutRangeAreExact) {
  ClosedLoop loop = loop_with_concurrency(4);
  loop.range_ratio = 1.0;
  const auto result = simulate(deployment("dsr1", "b200", Precision::Fp4, 8), loop);
  EXPECT_EQ(result.input_tokens, 40U * 1024);
  EXPECT_EQ(result.output_tokens, 40U * 1024);
}

TEST(ClosedLoop, ResultDependsOnlyOnTheSeed) {
  const Deployment setup = deployment("gptoss", "h100", Precision::Fp4, 2);
  ClosedLoop loop = loop_with_concurrency(32);
  const auto one = simulate(setup, loop), two = simulate(setup, loop);
  EXPECT_EQ(one.duration, two.duration);
  EXPECT_EQ(one.ttft.p99, two.ttft.p99);
  loop.seed = 2;
  EXPECT_NE(simulate(setup, loop).duration, one.duration);
}

TEST(ClosedLoop, HigherConcurrencyGivesMoreThroughputAndLatency) {
  double rate = 0, tpot = 0;
  for (const std::uint32_t concurrency : {4U, 16U, 64U, 256U}) {
    const auto result =
        simulate(deployment("dsr1", "b200", Precision::Fp4, 8), loop_with_concurrency(concurrency));
    EXPECT_GT(result.output_throughput, rate);
    EXPECT_GT(result.tpot.median, tpot);
    rate = result.output_throughput;
    tpot = result.tpot.median;
  }
}

TEST(ClosedLoop, LatenciesHaveTheOrderOfMagnitudeOfRealEngines) {
  const auto result = simulate(deployment("dsr1", "b200", Precision::Fp4, 8), loop_with_concurrency(64));
  EXPECT_GT(result.tpot.median, 2e-3);
  EXPECT_LT(result.tpot.median, 50e-3);
  EXPECT_GT(result.ttft.median, 5e-3);
  EXPECT_LT(result.ttft.median, 1.0);
}

TEST(ClosedLoop, BatchLimitMakesRequestsWait) {
  const Deployment setup = deployment("dsr1", "b200", Precision::Fp4, 8);
  const auto free = simulate(setup, loop_with_concurrency(64));
  const auto narrow = simulate(setup, loop_with_concurrency(64), {.max_num_seqs = 16});
  EXPECT_GT(narrow.ttft.median, 10 * free.ttft.median);
  EXPECT_LT(narrow.tpot.median, free.tpot.median);
  EXPECT_GT(narrow.duration, free.duration);
}

TEST(ClosedLoop, ErrorNamesTheReason) {
  const auto result =
      simulate_closed_loop(deployment("dsr1", "h100", Precision::Fp8, 8), {}, loop_with_concurrency(4));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message, testing::HasSubstr("h100"));
  EXPECT_FALSE(simulate_closed_loop(deployment("dsr1", "b200", Precision::Fp4, 8), {.max_model_len = 100},
                                    loop_with_concurrency(4)));
  EXPECT_FALSE(
      simulate_closed_loop(deployment("dsr1", "b200", Precision::Fp4, 8), {}, loop_with_concurrency(0)));
}

}  // namespace
}  // namespace sweep::sim_server
