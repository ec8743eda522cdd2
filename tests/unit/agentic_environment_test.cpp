// controller/agentic/environment: what the job's environment says about a point.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "controller/agentic/environment.hpp"
#include "util/json.hpp"

namespace sweep::agentic {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Values = std::map<std::string, std::string>;

Expected<Point> point(const Values& values) {
  Values all = {{"KV_OFFLOADING", "none"}};
  for (const auto& [name, value] : values)
    all[name] = value;
  return read_point([all](const char* name) {
    const auto found = all.find(name);
    return found == all.end() ? std::nullopt : std::optional(found->second);
  });
}

std::string error(const Values& values) {
  const auto got = point(values);
  return got ? "no error" : got.error().message;
}

TEST(AgenticPoint, OneNodeHasDefaults) {
  const auto got = point({{"TP", "4"}, {"PP_SIZE", "2"}, {"PCP_SIZE", "2"}, {"DCP_SIZE", "8"}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->gpus, 16);
  EXPECT_EQ(got->shape.dump(), R"({"pp":2,"dcp_size":8,"pcp_size":2})");
  EXPECT_EQ(got->head.dump(),
            R"({"hw":"","conc":0,"image":"","recipe_fingerprint":"","model":"","infmax_model_prefix":"",)"
            R"("framework":"","precision":"","spec_decoding":"none","disagg":false,)"
            R"("scenario_type":"agentic-coding","is_multinode":false,"tp":4,"ep":1,"dp_attention":"false",)"
            R"("kv_offloading":"none","kv_offload_backend":null,"allocated_cpu_dram_gb":0})");
  EXPECT_EQ(got->components.dump(), "{}");
}

TEST(AgenticPoint, ManyNodesSumTheirWorkers) {
  const auto got = point({{"IS_MULTINODE", "Yes"},
                          {"PREFILL_NUM_WORKERS", "2"},
                          {"PREFILL_TP", "4"},
                          {"PREFILL_EP", "4"},
                          {"DECODE_NUM_WORKERS", "1"},
                          {"DECODE_TP", "8"},
                          {"DECODE_PP_SIZE", "2"},
                          {"DECODE_DP_ATTN", "True"},
                          {"PREFILL_HARDWARE", "a"},
                          {"DECODE_HARDWARE", "b"},
                          {"TP", "99"},
                          {"DISAGG", "on"}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->gpus, 2 * 4 + 8 * 2);
  EXPECT_EQ(got->head["tp"], 12);
  EXPECT_EQ(got->head["ep"], 4);
  EXPECT_EQ(got->head["dp_attention"], "true");
  EXPECT_EQ(got->head["disagg"], true);
  EXPECT_EQ(
      got->shape.dump(),
      R"({"prefill_num_workers":2,"prefill_tp":4,"prefill_pp":1,"prefill_dcp_size":1,"prefill_pcp_size":1,)"
      R"("prefill_ep":4,"prefill_dp_attention":"false","num_prefill_gpu":8,"decode_num_workers":1,)"
      R"("decode_tp":8,"decode_pp":2,"decode_dcp_size":1,"decode_pcp_size":1,"decode_ep":1,)"
      R"("decode_dp_attention":"True","num_decode_gpu":16,"prefill_hw":"a","decode_hw":"b"})");
}

TEST(AgenticPoint, WithoutDecodeGpusDecodeHasNoParallelism) {
  const auto got = point({{"IS_MULTINODE", "1"},
                          {"PREFILL_NUM_WORKERS", "1"},
                          {"PREFILL_TP", "8"},
                          {"DECODE_NUM_WORKERS", "0"},
                          {"DECODE_TP", "8"},
                          {"DECODE_EP", "8"},
                          {"DECODE_PP_SIZE", "2"}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->head["tp"], 8);
  EXPECT_EQ(got->shape["decode_tp"], 0);
  EXPECT_EQ(got->shape["decode_ep"], 0);
  EXPECT_EQ(got->shape["decode_pp"], 1);
}

TEST(AgenticPoint, NumbersMustBeWhole) {
  EXPECT_EQ(error({{"TP", "four"}}), "cannot use TP: 'four' is not a whole number; set TP to one");
  EXPECT_THAT(error({{"CONC", "1.5"}}), StartsWith("cannot use CONC: '1.5'"));
  EXPECT_EQ(error({{"PP_SIZE", "0"}}), "PP_SIZE, DCP_SIZE, and PCP_SIZE must be positive integers.");
  EXPECT_EQ(error({{"IS_MULTINODE", "1"}, {"DECODE_DCP_SIZE", "-1"}}),
            "Multinode PP, DCP, and PCP sizes must be positive integers.");
  EXPECT_EQ(error({{"IS_MULTINODE", "1"}, {"DECODE_HARDWARE", "x"}}),
            "PREFILL_HARDWARE and DECODE_HARDWARE must be specified together.");
}

TEST(AgenticPoint, OffloadingNeedsItsBackend) {
  EXPECT_THAT(error({{"KV_OFFLOADING", ""}}),
              StartsWith("Missing required environment variable: KV_OFFLOADING"));
  EXPECT_THAT(error({{"KV_OFFLOAD_BACKEND", "a"}}),
              StartsWith("KV_OFFLOAD_BACKEND must be empty when KV_OFFLOADING=none"));
  const Values dram = {{"KV_OFFLOADING", "dram"}, {"KV_OFFLOAD_BACKEND", "a"}};
  const auto with = [&](const std::string& metadata) {
    Values values = dram;
    values["KV_OFFLOAD_BACKEND_METADATA"] = metadata;
    return values;
  };
  EXPECT_THAT(error(dram), StartsWith("KV_OFFLOAD_BACKEND is required when KV_OFFLOADING is enabled"));
  EXPECT_THAT(error(with(R"({"name": "b"})")),
              HasSubstr("must match KV_OFFLOAD_BACKEND_METADATA.name: 'a' is not 'b'"));
  EXPECT_THAT(error(with("{")), StartsWith("KV_OFFLOAD_BACKEND_METADATA must contain valid JSON"));
  EXPECT_THAT(error(with(R"({"x": "b"})")), HasSubstr("may contain only 'name' and 'version'"));
  EXPECT_THAT(error(with(R"({"version": "b"})")), HasSubstr("must contain 'name' and optional 'version'"));
  EXPECT_THAT(error(with(R"({"name": ""})")), HasSubstr("values must be non-empty strings"));
  EXPECT_EQ(point(with(R"({"version": "1", "name": "a"})"))->head["kv_offload_backend"].dump(),
            R"({"version":"1","name":"a"})");
}

TEST(AgenticPoint, ComponentsAreAsGiven) {
  const auto got = point({{"ROUTER_METADATA", R"({"version":"2","name":"r"})"}, {"KV_P2P_TRANSFER", "nixl"}});
  EXPECT_EQ(got->components.dump(), R"({"router":{"version":"2","name":"r"},"kv_p2p_transfer":"nixl"})");
  EXPECT_EQ(point({{"ROUTER_METADATA", "null"}})->components.dump(), "{}");
  EXPECT_EQ(error({{"ROUTER_METADATA", R"({"name":"r"})"}}),
            "ROUTER_METADATA must contain exactly 'name' and 'version'");
  EXPECT_EQ(error({{"ROUTER_METADATA", R"({"name":"r","version":2})"}}),
            "ROUTER_METADATA name and version must be non-empty strings");
}

}  // namespace
}  // namespace sweep::agentic
