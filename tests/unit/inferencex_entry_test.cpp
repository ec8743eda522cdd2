// proto/base: matrix entries of InferenceX as points.
#include "proto/base/inferencex_entry.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "proto/base/point.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::ordered_json;
using testing::ElementsAre;
using testing::HasSubstr;

ordered_json fixed() {
  return ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1", "precision": "fp4",
      "framework": "sglang", "runner": "cluster:b200-nb", "isl": 8192, "osl": 1024, "tp": 4, "pp": 2, "dcp-size": 2,
      "pcp-size": 1, "conc": 16, "max-model-len": 9472, "ep": 4, "dp-attn": true, "spec-decoding": "mtp",
      "exp-name": "dsr1_8k1k", "disagg": false, "run-eval": true})");
}

ordered_json agentic() {
  return ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsv4", "precision": "fp4",
      "framework": "vllm", "runner": "cluster:b200-nb", "tp": 8, "pp": 1, "dcp-size": 1, "pcp-size": 1, "ep": 1,
      "dp-attn": false, "spec-decoding": "none", "conc": 32, "kv-offloading": "dram", "total-cpu-dram-gb": 1500,
      "duration": 3600, "exp-name": "dsv4_tp8_conc32_kvdram-native", "scenario-type": "agentic-coding",
      "kv-offload-backend": {"name": "native", "version": "1.2"}})");
}

ordered_json many_nodes() {
  return ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1", "precision": "fp8",
      "framework": "dynamo-sglang", "runner": "gb200", "isl": 8192, "osl": 1024, "spec-decoding": "none",
      "prefill": {"num-worker": 2, "tp": 4, "ep": 4, "dp-attn": false, "additional-settings": ["CONFIG_FILE=r/a=b.yaml"],
                  "pp": 1, "dcp-size": 1, "pcp-size": 1},
      "decode": {"num-worker": 1, "tp": 16, "ep": 16, "dp-attn": true, "hardware": "h200", "pp": 1, "dcp-size": 1,
                 "pcp-size": 1},
      "conc": [64, 128, 256], "max-model-len": 9472, "exp-name": "dsr1_8k1k", "disagg": true, "run-eval": true,
      "router": {"name": "sgl", "version": "0.3"}, "kv-p2p-transfer": "nixl", "eval-conc": 128})");
}

std::vector<Point> points_of(const ordered_json& entry) {
  auto points = make_points({entry});
  EXPECT_TRUE(points) << points.error().message;
  return points.value_or(std::vector<Point>());
}

Point only(const ordered_json& entry) {
  auto points = points_of(entry);
  EXPECT_EQ(points.size(), 1U);
  return points.empty() ? Point{} : points[0];
}

std::map<std::string, std::string> environment(const Point& point) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : point_environment(point))
    out[name] = value;
  return out;
}

std::string refusal(const ordered_json& entry) {
  const auto points = make_points({entry});
  return points ? "" : points.error().message.substr(0, points.error().message.find(" in {"));
}

TEST(InferenceXEntry, OneNodePoint) {
  const Point point = only(fixed());
  EXPECT_EQ(gpus_needed(point), 8) << "TP x PP x PCP";
  EXPECT_EQ(result_stem(point),
            "dsr1_8k1k_fp4_sglang_tp4-pp2-dcp2-pcp1-ep4-dpatrue_disagg-false_spec-mtp_conc16");
  EXPECT_EQ(label(point), "dsr1_8k1k fp4 sglang cluster:b200-nb tp4 pp2 dcp2 ep4 dpa mtp conc16");
  const auto variables = environment(point);
  const std::map<std::string, std::string> expected = {{"TP", "4"},
                                                       {"PP_SIZE", "2"},
                                                       {"DCP_SIZE", "2"},
                                                       {"PCP_SIZE", "1"},
                                                       {"EP_SIZE", "4"},
                                                       {"DP_ATTENTION", "true"},
                                                       {"CONC", "16"},
                                                       {"ISL", "8192"},
                                                       {"OSL", "1024"},
                                                       {"MAX_MODEL_LEN", "9472"},
                                                       {"RUN_EVAL", "true"},
                                                       {"EVAL_ONLY", "false"},
                                                       {"DISAGG", "false"},
                                                       {"SPEC_DECODING", "mtp"},
                                                       {"IS_AGENTIC", "0"},
                                                       {"SCENARIO_TYPE", "fixed-seq-len"},
                                                       {"GPU_COUNT", "8"},
                                                       {"MODEL_PREFIX", "dsr1"},
                                                       {"KV_OFFLOADING", ""},
                                                       {"SCENARIO_SUBDIR", "fixed_seq_len/"},
                                                       {"TOTAL_CPU_DRAM_GB", "0"},
                                                       {"IS_MULTINODE", "false"},
                                                       {"RUNNER_TYPE", "cluster:b200-nb"}};
  for (const auto& [name, value] : expected)
    EXPECT_EQ(variables.at(name), value) << name;
}

TEST(InferenceXEntry, AgenticPointHasADurationAndNoLengths) {
  const Point point = only(agentic());
  EXPECT_EQ(experiment(point), "dsv4_agentic") << "its exp-name is of this point alone";
  const auto variables = environment(point);
  const std::map<std::string, std::string> expected = {
      {"ISL", "0"},
      {"OSL", "0"},
      {"MAX_MODEL_LEN", "0"},
      {"IS_AGENTIC", "1"},
      {"SCENARIO_SUBDIR", "agentic/"},
      {"KV_OFFLOADING", "dram"},
      {"KV_OFFLOAD_BACKEND", "native"},
      {"TOTAL_CPU_DRAM_GB", "1500"},
      {"KV_OFFLOAD_BACKEND_METADATA", R"({"name":"native","version":"1.2"})"},
      {"DURATION", "3600"},
      {"DISAGG", "false"},
      {"RUN_EVAL", "false"}};
  for (const auto& [name, value] : expected)
    EXPECT_EQ(variables.at(name), value) << name;
}

TEST(InferenceXEntry, ListOfConcurrenciesIsOnePointForEach) {
  const auto points = points_of(many_nodes());
  ASSERT_EQ(points.size(), 3U);
  std::vector<std::int64_t> concs;
  std::vector<std::string> evals;
  for (const Point& point : points) {
    concs.push_back(point.conc);
    evals.push_back(environment(point).at("RUN_EVAL"));
    EXPECT_EQ(gpus_needed(point), 2 * 4 + 16);
  }
  EXPECT_THAT(concs, ElementsAre(64, 128, 256));
  EXPECT_THAT(evals, ElementsAre("false", "true", "false")) << "evaluated at eval-conc";
  EXPECT_EQ(
      result_stem(points[1]),
      "dsr1_8k1k_fp8_dynamo-sglang_prefill-tp4-pp1-dcp1-pcp1-ep4-dpfalse-nw2_decode-tp16-pp1-dcp1-pcp1-ep16-"
      "dptrue-nw1_disagg-true_spec-none_conc128");
  EXPECT_EQ(label(points[1]), "dsr1_8k1k fp8 dynamo-sglang gb200 p2x(tp4 ep4) d1x(tp16 ep16 dpa) conc128");
  const auto variables = environment(points[1]);
  const std::map<std::string, std::string> expected = {
      {"CONC_LIST", "128"},          {"EVAL_CONC", "128"},
      {"PREFILL_NUM_WORKERS", "2"},  {"DECODE_TP", "16"},
      {"DECODE_DP_ATTN", "true"},    {"DECODE_HARDWARE", "h200"},
      {"CONFIG_FILE", "r/a=b.yaml"}, {"ROUTER_METADATA", R"({"name":"sgl","version":"0.3"})"},
      {"KV_P2P_TRANSFER", "nixl"},   {"IS_MULTINODE", "true"}};
  for (const auto& [name, value] : expected)
    EXPECT_EQ(variables.at(name), value) << name;
  EXPECT_FALSE(variables.contains("TP"));
}

TEST(InferenceXEntry, EntryThatIsOnlyEvaluatedHasOnePoint) {
  ordered_json entry = many_nodes();
  entry["eval-only"] = true;
  EXPECT_EQ(only(entry).conc, 128);
  entry.erase("eval-conc");
  entry["eval-all-concs"] = true;
  EXPECT_EQ(points_of(entry).size(), 3U);
}

TEST(InferenceXEntry, PointsAreReadBackFromTheirEntries) {
  std::vector<std::string> texts;
  const auto points = points_of(many_nodes());
  for (const Point& point : points)
    texts.push_back(point.entry);
  const auto read = read_points(texts);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i)
    EXPECT_EQ((*read)[i].id, points[i].id);
}

TEST(InferenceXEntry, ValuesWrittenAsTextsAreReadAsNumbers) {
  ordered_json entry = fixed();
  entry["tp"] = " 4 ";
  entry["ep"] = "4.0";
  entry["conc"] = "1_6";
  entry["dp-attn"] = "on";
  entry["isl"] = 8192.0;
  const Point point = only(entry);
  EXPECT_EQ(result_stem(point), result_stem(only(fixed())));
  EXPECT_EQ(point.isl, 8192);
  EXPECT_NE(point.id, only(fixed()).id) << "the entry is kept as it was written";
}

TEST(InferenceXEntry, EntriesThatCannotRunAreRefused) {
  const auto with = [](ordered_json entry, const char* key, const ordered_json& value) {
    entry[key] = value;
    return refusal(entry);
  };
  EXPECT_THAT(with(fixed(), "tp", "four"), HasSubstr("'tp' must be an integer"));
  EXPECT_THAT(with(fixed(), "conc", 0), HasSubstr("'conc' must be"));
  EXPECT_THAT(with(fixed(), "isl", nullptr), HasSubstr("'isl' must be an integer"));
  EXPECT_THAT(with(agentic(), "duration", nullptr), HasSubstr("'duration' must be an integer"));
  EXPECT_THAT(with(agentic(), "router", "sgl"), HasSubstr("'router' must be an object with 'name'"));
  ordered_json entry = many_nodes();
  entry["decode"].erase("tp");
  EXPECT_EQ(refusal(entry), "matrix entry: 'decode': 'tp' is missing");
  entry = many_nodes();
  entry["prefill"]["num-worker"] = 0;
  entry["decode"]["num-worker"] = 0;
  EXPECT_EQ(refusal(entry), "matrix entry: the workers have no GPU");
}

}  // namespace
}  // namespace sweep
