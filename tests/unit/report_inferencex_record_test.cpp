// controller/report/inferencex_record: records of InferenceX.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/python/json_text.hpp"
#include "controller/report/client_result.hpp"
#include "controller/report/inferencex_record.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

InferencexPoint one_node() {
  InferencexPoint out;
  out.hw = "b200";
  out.image = "org/image:1";
  out.model_prefix = "dsr1";
  out.framework = "sglang";
  out.precision = "fp4";
  out.spec_decoding = "none";
  out.isl = 1024;
  out.osl = 256;
  out.placement = OneNode{{.tp = 4, .pp = 1, .dcp = 1, .pcp = 1, .ep = 2, .dp_attention = "true"}};
  return out;
}

InferencexPoint many_nodes() {
  InferencexPoint out = one_node();
  out.disagg = true;
  ManyNodes nodes;
  nodes.prefill = {{.tp = 4, .ep = 4, .dp_attention = "true"}, 2, 8};
  nodes.decode = {{.tp = 8, .ep = 8, .dp_attention = "false"}, 1, 16};
  out.placement = nodes;
  return out;
}

Json record(const InferencexPoint& point, const std::string& bytes = kClientResult) {
  const auto result = inferencex_record(point, *read_result(bytes));
  EXPECT_TRUE(result) << result.error().message;
  return result.value_or(Json::object());
}

std::string point_problem(const InferencexPoint& point) {
  const auto checked = check_point(point);
  return checked ? "" : checked.error().message;
}

std::vector<std::string> keys_until(const Json& json, const std::string& last) {
  std::vector<std::string> out;
  for (const auto& [key, value] : json.items()) {
    out.push_back(key);
    if (key == last) break;
  }
  return out;
}

TEST(InferencexRecord, OneNodeHasTheContractsBytes) {
  InferencexPoint point = one_node();
  point.recipe_fingerprint = "ab12";
  point.router = Json::parse(R"({"version": "2", "name": "rr"})");
  point.kv_p2p_transfer = "nixl";
  EXPECT_EQ(
      record(point, R"({"max_concurrency": "16", "model_id": "org/Model", "total_token_throughput": 2400,
      "output_throughput": 1000, "median_tpot_ms": 8.0})")
          .dump(),
      R"({"hw":"b200","conc":16,"image":"org/image:1","model":"org/Model","infmax_model_prefix":"dsr1",)"
      R"("framework":"sglang","precision":"fp4","spec_decoding":"none","disagg":false,)"
      R"("recipe_fingerprint":"ab12","isl":1024,"osl":256,"router":{"version":"2","name":"rr"},)"
      R"("kv_p2p_transfer":"nixl","is_multinode":false,"tp":4,"pp":1,"dcp_size":1,"pcp_size":1,"ep":2,)"
      R"("dp_attention":"true","tput_per_gpu":600.0,"output_tput_per_gpu":250.0,)"
      R"("input_tput_per_gpu":350.0,"median_tpot":0.008,"median_intvty":125.0})");
}

TEST(InferencexRecord, RouterAndTransferAreAbsentIfThereAreNone) {
  const Json out = record(one_node());
  EXPECT_FALSE(out.contains("router"));
  EXPECT_FALSE(out.contains("kv_p2p_transfer"));
  EXPECT_EQ(out.at("recipe_fingerprint"), "");
}

TEST(InferencexRecord, OneNodeDividesByTpTimesPpTimesPcp) {
  InferencexPoint point = one_node();
  point.placement = OneNode{{.tp = 4, .pp = 2, .dcp = 4, .pcp = 3, .ep = 2, .dp_attention = "false"}};
  const Json out = record(point);
  EXPECT_EQ(out.at("tput_per_gpu"), 100.0);
  EXPECT_EQ(out.at("input_tput_per_gpu"), 1400.0 / 24);
  EXPECT_EQ(out.at("dcp_size"), 4);
}

TEST(InferencexRecord, ManyNodesDivideByTheGpusOfEachRole) {
  const Json out = record(many_nodes());
  EXPECT_EQ(out.at("is_multinode"), true);
  EXPECT_EQ(out.at("tput_per_gpu"), 100.0);
  EXPECT_EQ(out.at("output_tput_per_gpu"), 62.5);
  EXPECT_EQ(out.at("input_tput_per_gpu"), 175.0);
  const auto keys = keys_until(out, "input_tput_per_gpu");
  const std::vector<std::string> tail(keys.begin() + 12, keys.end());
  EXPECT_EQ(tail,
            (std::vector<std::string>{
                "is_multinode",     "prefill_tp",          "prefill_pp",           "prefill_dcp_size",
                "prefill_pcp_size", "prefill_ep",          "prefill_dp_attention", "prefill_num_workers",
                "decode_tp",        "decode_pp",           "decode_dcp_size",      "decode_pcp_size",
                "decode_ep",        "decode_dp_attention", "decode_num_workers",   "num_prefill_gpu",
                "num_decode_gpu",   "tput_per_gpu",        "output_tput_per_gpu",  "input_tput_per_gpu"}));
}

TEST(InferencexRecord, HardwareOfTheRolesFollowsTheThroughputs) {
  InferencexPoint point = many_nodes();
  std::get<ManyNodes>(point.placement).prefill.hardware = "h200";
  std::get<ManyNodes>(point.placement).decode.hardware = "b200";
  const auto keys = keys_until(record(point), "decode_hw");
  ASSERT_GT(keys.size(), 3U);
  EXPECT_EQ(keys[keys.size() - 2], "prefill_hw");
  EXPECT_EQ(keys[keys.size() - 3], "input_tput_per_gpu");
  EXPECT_FALSE(record(many_nodes()).contains("prefill_hw"));
}

TEST(InferencexRecord, WithoutDecodeGpusOutputIsDividedByAllGpus) {
  InferencexPoint point = many_nodes();
  auto& decode = std::get<ManyNodes>(point.placement).decode;
  decode.gpus = 0;
  decode.sizes.pp = 2;
  const Json out = record(point);
  EXPECT_EQ(out.at("output_tput_per_gpu"), 125.0);
  EXPECT_EQ(out.at("tput_per_gpu"), 300.0);
  for (const char* key : {"decode_tp", "decode_ep", "num_decode_gpu"})
    EXPECT_EQ(out.at(key), 0) << key;
  for (const char* key : {"decode_pp", "decode_dcp_size", "decode_pcp_size"})
    EXPECT_EQ(out.at(key), 1) << key;
}

TEST(InferencexRecord, PointsWithoutARecordAreRefusedInTheContractsWords) {
  InferencexPoint point = one_node();
  point.disagg = true;
  EXPECT_THAT(point_problem(point), StartsWith("Disaggregated mode requires multinode setup."));
  for (auto size : {&ParallelSizes::pp, &ParallelSizes::dcp, &ParallelSizes::pcp}) {
    point = one_node();
    std::get<OneNode>(point.placement).sizes.*size = 0;
    EXPECT_THAT(point_problem(point),
                StartsWith("PP_SIZE, DCP_SIZE, and PCP_SIZE must be positive integers."));
    point = many_nodes();
    std::get<ManyNodes>(point.placement).decode.sizes.*size = -1;
    EXPECT_THAT(point_problem(point),
                StartsWith("Multinode PP, DCP, and PCP sizes must be positive integers."));
  }
  point = one_node();
  std::get<OneNode>(point.placement).sizes.tp = 0;
  EXPECT_THAT(point_problem(point), AllOf(StartsWith("TP must be at least 1"), HasSubstr("is 0")));
}

TEST(InferencexRecord, ManyNodesNeedPrefillGpus) {
  const auto with = [](std::int64_t prefill, std::int64_t decode) {
    InferencexPoint point = many_nodes();
    std::get<ManyNodes>(point.placement).prefill.gpus = prefill;
    std::get<ManyNodes>(point.placement).decode.gpus = decode;
    return point_problem(point);
  };
  EXPECT_EQ(with(4, 0), "");
  EXPECT_EQ(with(0, 0), "Multinode results require at least one GPU. PREFILL_GPUS is 0 and DECODE_GPUS is 0");
  EXPECT_THAT(with(0, 16), StartsWith("Multinode results require at least one prefill GPU."));
  EXPECT_THAT(with(8, -4), StartsWith("DECODE_GPUS must not be negative."));
}

TEST(InferencexRecord, HardwareOfOneRoleAloneIsRefused) {
  InferencexPoint point = many_nodes();
  std::get<ManyNodes>(point.placement).decode.hardware = "b200";
  EXPECT_EQ(point_problem(point),
            "PREFILL_HARDWARE and DECODE_HARDWARE must be specified together. Set PREFILL_HARDWARE too");
}

TEST(InferencexRecord, ResultMustHaveWhatEveryRecordNeeds) {
  for (const char* key : {"max_concurrency", "model_id", "total_token_throughput", "output_throughput"}) {
    const auto result = inferencex_record(one_node(), *read_result(client_result(key, "")));
    ASSERT_FALSE(result) << key;
    EXPECT_THAT(result.error().message, StartsWith("the result has no '" + std::string(key) + "'"));
  }
}

TEST(InferencexRecord, StandInIsTheLastKey) {
  const Json out = record(one_node(), client_result("hardware", "\"cpu\""));
  EXPECT_EQ(std::prev(out.end()).key(), "stand_in");
}

// ---- statistics that cannot be in a record

TEST(OmittedStatistics, NamesEachKeyAndItsValue) {
  const auto note = [](const char* text) { return omitted_statistics(Json::parse(text)); };
  EXPECT_EQ(note(R"({"std_tpot_ms": 0.5, "items": 3, "note": "x"})"), "");
  EXPECT_EQ(note(R"({"std_tpot_ms": 0})"),
            "left out of the record: 'std_tpot_ms' is 0, so it has no interactivity");
  EXPECT_EQ(
      note(R"({"p99_ttft_ms": null, "mean_tpot_ms": "x"})"),
      "left out of the record: 'p99_ttft_ms' is not a number but null; 'mean_tpot_ms' is not a number but "
      "\"x\"");
  EXPECT_THAT(
      note(R"({"a_ms": [], "b_ms": {}, "c_ms": null, "d_ms": null, "e_ms": null, "f_ms": null})"),
      AllOf(HasSubstr("'a_ms' is not a number but a list"), testing::EndsWith("; and 2 other statistics")));
}

}  // namespace
}  // namespace sweep::report
