// controller/agentic/server_log: the size of the KV cache in logs of vLLM and SGLang.
#include <gtest/gtest.h>

#include <initializer_list>

#include "controller/agentic/server_log.hpp"

namespace sweep::agentic {
namespace {

std::optional<std::int64_t> capacity(Adapter adapter, std::initializer_list<const char*> lines) {
  LogCapacity log(adapter);
  for (const char* line : lines)
    log.take(line);
  return log.tokens();
}

TEST(VllmLog, LastSizeOfEachEngineIsSummed) {
  EXPECT_EQ(capacity(Adapter::Vllm, {"INFO (EngineCore_DP0 pid=1) GPU KV cache size: 1,000 tokens",
                                     "(EngineCore_DP1 pid=2) GPU KV cache size: 5 tokens",
                                     "(EngineCore_DP1 pid=2) GPU KV cache size: 70 tokens"}),
            1070);
  EXPECT_EQ(capacity(Adapter::DynamoVllm, {"(EngineCore pid=2) GPU KV cache size:77tokens"}), 77);
}

TEST(VllmLog, LinesWithoutEngineCountOnlyAlone) {
  EXPECT_EQ(capacity(Adapter::Vllm, {"GPU KV cache size: 5 tokens", "GPU KV cache size: 6 tokens"}), 11);
  EXPECT_EQ(capacity(Adapter::Vllm,
                     {"GPU KV cache size: 5 tokens", "(EngineCore pid=2) GPU KV cache size: 6 tokens"}),
            6);
}

TEST(VllmLog, OtherLinesDoNotCount) {
  EXPECT_EQ(capacity(Adapter::Vllm, {"GPU KV cache size: 0 tokens", "GPU KV cache size: x tokens",
                                     "GPU KV cache size 5 tokens", "max_total_num_tokens=9"}),
            std::nullopt);
  EXPECT_EQ(capacity(Adapter::Atom, {"GPU KV cache size: 5 tokens"}), std::nullopt);
}

TEST(SglangLog, RanksAreSummed) {
  EXPECT_EQ(capacity(Adapter::Sglang, {"[x DP0 TP0 EP0] max_total_num_tokens=10, y",
                                       "[x DP1 TP0 EP0] max_total_num_tokens=20", "dp_size=8"}),
            30);
}

TEST(SglangLog, OneRankOrLineStandsForAll) {
  EXPECT_EQ(capacity(Adapter::Sglang, {"args(dp_size=4)", "[DP0 TP0 EP0] max_total_num_tokens=10"}), 40);
  EXPECT_EQ(capacity(Adapter::Sglang, {"max_total_num_tokens=10", "dp_size=4"}), 40);
  EXPECT_EQ(capacity(Adapter::Sglang, {"max_total_num_tokens=10", "max_total_num_tokens=10", "dp_size=4"}),
            20);
  EXPECT_EQ(capacity(Adapter::Sglang, {"dp_size=0", "dp_size=4", "max_total_num_tokens=10"}), 10);
}

TEST(SglangLog, NamesMustBeWordsOfTheirOwn) {
  EXPECT_EQ(capacity(Adapter::Sglang,
                     {"xmax_total_num_tokens=5", "max_total_num_tokens=5x", "max_total_num_tokens="}),
            std::nullopt);
  EXPECT_EQ(capacity(Adapter::Sglang, {"my_dp_size=4", "max_total_num_tokens=5"}), 5);
  EXPECT_EQ(capacity(Adapter::Sglang,
                     {"DP0 TP0 EP0x max_total_num_tokens=5", "DP0 TP0 EP1 max_total_num_tokens=7"}),
            7);
}

}  // namespace
}  // namespace sweep::agentic
