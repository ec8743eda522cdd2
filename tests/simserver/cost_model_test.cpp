// The cost model compared with published totals and with computations by hand, and properties that any such
// model must have.
#include <gmock/gmock.h>

#include <cmath>

#include "tests/simserver/setups.hpp"

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;

constexpr auto kFp4 = Precision::Fp4;
constexpr auto kFp8 = Precision::Fp8;
constexpr auto kBf16 = Precision::Bf16;

TEST(Architecture, ParameterCountsMatchPublishedTotals) {
  const Architecture& dsr1 = *find_architecture("dsr1");
  EXPECT_NEAR(dsr1.total_params(), 671e9, 1e9);
  EXPECT_NEAR(dsr1.active_params(), 36.6e9, 0.2e9);
  EXPECT_DOUBLE_EQ(dsr1.kv.full, 61 * 576);
  const Architecture& llama = *find_architecture("llama70b");
  EXPECT_NEAR(llama.total_params(), 70.6e9, 0.2e9);
  EXPECT_DOUBLE_EQ(llama.kv.full * 2, 327680);  // bytes in bf16
  const Architecture& gptoss = *find_architecture("gptoss");
  EXPECT_NEAR(gptoss.total_params(), 116.8e9, 0.3e9);
  EXPECT_NEAR(gptoss.active_params(), 5.1e9, 0.1e9);
}

TEST(Architecture, IsDerivedFromTheModelName) {
  EXPECT_EQ(guess_architecture("nvidia/DeepSeek-R1-0528-FP4-V2"), find_architecture("dsr1"));
  EXPECT_EQ(guess_architecture("openai/gpt-oss-120b"), find_architecture("gptoss"));
  EXPECT_EQ(guess_architecture("nvidia/Llama-3.3-70B-Instruct-FP8"), find_architecture("llama70b"));
  EXPECT_EQ(guess_architecture("some/thing"), nullptr);
}

TEST(Architecture, MoreTokensUseMoreExperts) {
  const Architecture& dsr1 = *find_architecture("dsr1");
  EXPECT_DOUBLE_EQ(dsr1.experts_touched(0), 0.0);
  EXPECT_DOUBLE_EQ(dsr1.experts_touched(1), 8.0 / 256);
  EXPECT_NEAR(dsr1.experts_touched(64), 0.869, 0.001);  // 1 - (248/256)^64
  EXPECT_LE(dsr1.experts_touched(1e6), 1.0);
  EXPECT_DOUBLE_EQ(find_architecture("llama70b")->experts_touched(100), 0.0);
}

TEST(CostModel, OneTokenReadsAllWeightsOnce) {
  // 69.5e9 weights of one byte over 8 x 3.35 TB/s x 0.8: 3.24 ms.
  const CostModel model = cost_model(deployment("llama70b", "h100", kFp8, 8));
  EXPECT_NEAR(model.read_seconds(decoding(1, 0)), 3.24e-3, 0.02e-3);
  // 2 x 69.5e9 FLOP over 8 x 1979e12 x 0.6: 14.6 us; reading takes longer.
  EXPECT_NEAR(model.compute_seconds(decoding(1, 0)), 14.6e-6, 0.2e-6);
  EXPECT_DOUBLE_EQ(
      model.step_seconds(decoding(1, 0)),
      model.overhead_seconds() + model.read_seconds(decoding(1, 0)) + model.reduce_seconds(decoding(1, 0)));
}

TEST(CostModel, CacheIsReadInAdditionToTheWeights) {
  // 64 sequences of 8192 tokens x 327,680 bytes over 8 x 3.35 TB/s x 0.8: additional 8.01 ms.
  const CostModel model = cost_model(deployment("llama70b", "h100", kFp8, 8));
  EXPECT_NEAR(model.read_seconds(decoding(64, 8192)) - model.read_seconds(decoding(64, 0)), 8.01e-3, 0.03e-3);
}

TEST(CostModel, OnlyTheExpertsUsedByABatchAreRead) {
  // One token: 16.2e9 bytes of dense weights in fp8, 8 of 256 experts: 20.4e9 x 4.5 / 8 bytes; 27.7e9 / (8 x
  // 8e12 x 0.8).
  const CostModel model = cost_model(deployment("dsr1", "b200", kFp4, 8));
  EXPECT_NEAR(model.read_seconds(decoding(1, 0)), 0.540e-3, 0.005e-3);
  // All of them: 16.2e9 + 653.9e9 x 4.5 / 8 = 384e9 bytes.
  EXPECT_NEAR(model.read_seconds(decoding(10000, 0)), 7.50e-3, 0.05e-3);
}

TEST(CostModel, LongPromptIsBoundByCompute) {
  // 8192 tokens x 2 x 69.5e9 FLOP = 1.14 PFLOP; attention 33.6e6 pairs x 2.62e6 FLOP = 0.088 PFLOP at bf16's
  // speed; (1.14 / 1979e12 + 0.088 / 989.5e12) / 8 / 0.6 = 138 ms.
  const CostModel model = cost_model(deployment("llama70b", "h100", kFp8, 8));
  EXPECT_NEAR(model.compute_seconds(prefilling(8192)), 138e-3, 2e-3);
  EXPECT_GT(model.compute_seconds(prefilling(8192)), model.read_seconds(prefilling(8192)));
}

TEST(CostModel, AllReduceIsBoundByTheLinks) {
  // tp 8, 8192 tokens x 8192 x 2 bytes x 2 x 7/8 over 450e9 x 0.8 = 0.652 ms + 8.25 us, twice in each of 80
  // layers.
  const CostModel model = cost_model(deployment("llama70b", "h100", kFp8, 8));
  EXPECT_NEAR(model.reduce_seconds(prefilling(8192)), 160 * (0.6525e-3 + 8.25e-6), 0.2e-3);
  EXPECT_DOUBLE_EQ(cost_model(deployment("llama70b", "b200", kFp4, 1)).reduce_seconds(prefilling(8192)), 0.0);
}

TEST(CostModel, CacheCapacityFollowsFromFreeMemory) {
  // Llama in fp8 on one h200: 141 x 0.9 - 4 - 71.6 GB = 51.3 GB / 327,680 bytes = 156,500 tokens.
  const CostModel model = cost_model(deployment("llama70b", "h200", kFp8, 1));
  EXPECT_NEAR(model.kv_capacity_tokens(), 156.5e3, 1e3);
  // On two GPUs, each has half of the weights and half of the heads: (141 x 0.9 - 4 - 35.8) x 2 / 327,680.
  EXPECT_NEAR(cost_model(deployment("llama70b", "h200", kFp8, 2)).kv_capacity_tokens(), 531.5e3, 2e3);
}

TEST(CostModel, LatentCacheIsOnEveryGpuWithoutDpAttention) {
  Deployment setup = deployment("dsr1", "b200", kFp4, 8);
  const double whole = cost_model(setup).kv_bytes_per_token();
  EXPECT_DOUBLE_EQ(whole, 61 * 576 * 2);
  setup.dp_attention = true;
  EXPECT_DOUBLE_EQ(cost_model(setup).kv_bytes_per_token(), whole / 8);
  EXPECT_GT(cost_model(setup).weight_bytes(), cost_model(deployment("dsr1", "b200", kFp4, 8)).weight_bytes());
}

TEST(CostModel, GptOssFitsOnOneH100) {
  // The published checkpoint has 60.8 GiB.
  const CostModel model = cost_model(deployment("gptoss", "h100", kFp4, 1));
  EXPECT_NEAR(model.weight_bytes(), 60.8 * 1024 * 1024 * 1024, 0.5e9);
  EXPECT_GT(model.kv_capacity_tokens(), 50000);
  // Half of its layers keep at most 128 tokens.
  EXPECT_DOUBLE_EQ(model.window_tokens(100), 100);
  EXPECT_DOUBLE_EQ(model.window_tokens(5000), 128);
  EXPECT_DOUBLE_EQ(cost_model(deployment("llama70b", "h200", kFp8, 1)).window_tokens(5000), 0);
}

TEST(CostModel, MoreGpusDecodeFaster) {
  for (const char* name : {"dsr1", "llama70b"}) {
    for (const double sequences : {1.0, 16.0, 256.0}) {
      double before = 1e9;
      for (const std::uint32_t tp : {4U, 8U}) {
        const double seconds =
            cost_model(deployment(name, "b200", kFp4, tp)).step_seconds(decoding(sequences, 2048));
        EXPECT_LT(seconds, before) << name << " batch " << sequences << " tp " << tp;
        before = seconds;
      }
    }
  }
}

TEST(CostModel, LargerBatchesTakeLongerButHaveMoreThroughput) {
  for (const char* name : {"dsr1", "llama70b", "gptoss"}) {
    const CostModel model = cost_model(deployment(name, "b200", kFp4, 8));
    double before = 0, rate = 0;
    for (int doublings = 0; doublings <= 10; ++doublings) {
      const double sequences = std::exp2(doublings);
      const double seconds = model.step_seconds(decoding(sequences, 1024));
      EXPECT_GT(seconds, before) << name << " " << sequences;
      EXPECT_GT(sequences / seconds, rate) << name << " " << sequences;
      before = seconds;
      rate = sequences / seconds;
    }
  }
}

TEST(CostModel, LowerPrecisionIsFaster) {
  for (const char* name : {"dsr1", "llama70b"}) {
    for (const Batch& batch : {decoding(1, 1024), decoding(128, 1024), prefilling(4096)}) {
      const double fp4 = cost_model(deployment(name, "b200", kFp4, 8)).step_seconds(batch);
      const double fp8 = cost_model(deployment(name, "b200", kFp8, 8)).step_seconds(batch);
      EXPECT_LT(fp4, fp8) << name;
    }
  }
  const Batch one = decoding(1, 1024);
  EXPECT_LT(cost_model(deployment("llama70b", "b200", kFp8, 8)).step_seconds(one),
            cost_model(deployment("llama70b", "b200", kBf16, 8)).step_seconds(one));
}

TEST(CostModel, NewerGpusAreFaster) {
  const Batch one = decoding(32, 1024);
  const double b200 = cost_model(deployment("llama70b", "b200", kFp8, 8)).step_seconds(one);
  const double h200 = cost_model(deployment("llama70b", "h200", kFp8, 8)).step_seconds(one);
  const double h100 = cost_model(deployment("llama70b", "h100", kFp8, 8)).step_seconds(one);
  EXPECT_LT(b200, h200);
  EXPECT_LT(h200, h100);
  EXPECT_DOUBLE_EQ(find_hardware("h100")->flops(kFp4),
                   find_hardware("h100")->flops(kBf16));  // has no FP4 units
}

TEST(CostModel, DpAttentionIsFasterWithALargeCache) {
  Deployment setup = deployment("dsr1", "b200", kFp4, 8);
  setup.ep = 8;
  const double together = cost_model(setup).step_seconds(decoding(256, 8192));
  setup.dp_attention = true;
  EXPECT_LT(cost_model(setup).step_seconds(decoding(256, 8192)), together);
}

TEST(CostModel, ExpertParallelismSlowsSmallBatchesAndSpeedsUpLargeOnes) {
  Deployment setup = deployment("dsr1", "b200", kFp4, 8);
  const CostModel narrow = cost_model(setup);
  setup.ep = 8;
  const CostModel wide = cost_model(setup);
  EXPECT_GT(wide.read_seconds(decoding(8, 1024)), narrow.read_seconds(decoding(8, 1024)));
  EXPECT_LT(wide.compute_seconds(prefilling(8192)), narrow.compute_seconds(prefilling(8192)));
}

TEST(CostModel, InvalidDeploymentsAreRejected) {
  const auto message_for = [](const Deployment& setup) {
    const auto model = CostModel::make(setup);
    return model ? std::string("no error") : model.error().message;
  };
  EXPECT_THAT(message_for(deployment("dsr1", "h100", kFp8, 8)),
              HasSubstr("needs 84.0 GB for weights on each of 8 h100"));
  EXPECT_THAT(message_for(deployment("llama70b", "b200", kFp8, 3)), HasSubstr("--tp 3 is not supported"));
  Deployment setup = deployment("dsr1", "b200", kFp4, 8);
  setup.ep = 3;
  EXPECT_THAT(message_for(setup), HasSubstr("--ep 3 does not divide --tp 8"));
  setup = deployment("llama70b", "b200", kFp4, 8);
  setup.ep = 8;
  EXPECT_THAT(message_for(setup), HasSubstr("no experts"));
  setup.ep = 1;
  setup.memory_utilization = 0;
  EXPECT_THAT(message_for(setup), HasSubstr("--gpu-memory-utilization"));
}

}  // namespace
}  // namespace sweep::sim_server
