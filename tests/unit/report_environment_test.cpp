// controller/report/result_environment: which generation an environment belongs to, and what it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "controller/report/result_environment.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Variables = std::map<std::string, std::string>;

Lookup in(const Variables& variables) {
  return [variables](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

const Variables kInferenceMax = {
    {"RESULT_FILENAME", "r"}, {"RUNNER_TYPE", "b200"}, {"TP", "8"},   {"EP_SIZE", "1"},
    {"ISL", "1024"},          {"OSL", "256"},          {"IMAGE", "i"}};

const Variables kOneNode = {
    {"RESULT_FILENAME", "r"}, {"RUNNER_TYPE", "b200"},  {"FRAMEWORK", "vllm"}, {"PRECISION", "fp8"},
    {"SPEC_DECODING", "mtp"}, {"ISL", " 1024 "},        {"OSL", "256"},        {"DISAGG", "false"},
    {"MODEL_PREFIX", "dsr1"}, {"IMAGE", "org/image:1"}, {"TP", "4"},           {"EP_SIZE", "2"},
    {"DP_ATTENTION", "true"}};

Variables many_nodes_variables() {
  Variables out = kOneNode;
  for (const char* name : {"TP", "EP_SIZE", "DP_ATTENTION"})
    out.erase(name);
  out["DISAGG"] = "True";
  out["IS_MULTINODE"] = "TRUE";
  for (const std::string role : {"PREFILL_", "DECODE_"}) {
    out[role + "GPUS"] = "8";
    out[role + "NUM_WORKERS"] = "2";
    out[role + "TP"] = "4";
    out[role + "EP"] = "4";
    out[role + "DP_ATTN"] = "false";
  }
  return out;
}

Variables changed(Variables all, const std::string& name, const char* value) {
  if (value == nullptr) {
    all.erase(name);
  } else {
    all[name] = value;
  }
  return all;
}

std::string environment_error(const Variables& variables) {
  const auto point = inferencex_point(in(variables));
  return point ? "" : point.error().message;
}

// ---- the generation

TEST(Generation, VariablesOfBothGenerationsDecideNothing) {
  EXPECT_EQ(generation_of(in(kInferenceMax)).generation, Generation::InferenceMax);
}

TEST(Generation, AnyVariableOfInferencexDecidesForIt) {
  for (const char* name : {"SPEC_DECODING", "DISAGG", "MODEL_PREFIX", "IS_MULTINODE", "RECIPE_FINGERPRINT",
                           "ROUTER_METADATA", "KV_P2P_TRANSFER", "PP_SIZE", "DCP_SIZE", "PCP_SIZE",
                           "PREFILL_TP", "DECODE_NUM_WORKERS", "DECODE_PCP_SIZE", "PREFILL_HARDWARE"}) {
    const auto found = generation_of(in(changed(kInferenceMax, name, "")));
    EXPECT_EQ(found.generation, Generation::InferenceX) << name;
    EXPECT_THAT(found.signs, ElementsAre(name));
  }
}

TEST(Generation, GpuCountsAloneAreInferenceMax) {
  Variables all = changed(kInferenceMax, "PREFILL_GPUS", "8");
  all["DECODE_GPUS"] = "16";
  all["MTP_MODE"] = "on";
  EXPECT_EQ(generation_of(in(all)).generation, Generation::InferenceMax);
}

TEST(Generation, OneOfTpAndEpSizeIsEnoughForInferenceMax) {
  EXPECT_EQ(generation_of(in({{"EP_SIZE", "1"}})).generation, Generation::InferenceMax);
  EXPECT_EQ(generation_of(in({{"TP", ""}})).generation, Generation::InferenceMax);
}

TEST(Generation, AnEnvironmentWithoutParallelismIsInferencex) {
  EXPECT_EQ(generation_of(in({})).generation, Generation::InferenceX);
  EXPECT_EQ(
      environment_error({}),
      "Missing required environment variables: RUNNER_TYPE, FRAMEWORK, PRECISION, SPEC_DECODING, "
      "RESULT_FILENAME, ISL, OSL, DISAGG, MODEL_PREFIX, IMAGE; set them, or TP and EP_SIZE for a record of "
      "InferenceMAX (2025)");
}

// ---- InferenceX

TEST(InferencexEnvironment, OneNodeIsRead) {
  Variables all = kOneNode;
  all["PP_SIZE"] = "2";
  all["PCP_SIZE"] = "";
  all["RECIPE_FINGERPRINT"] = "ab12";
  all["KV_P2P_TRANSFER"] = "nixl";
  all["ROUTER_METADATA"] = R"({"version": "1.2", "name": "rr"})";
  const auto point = inferencex_point(in(all));
  ASSERT_TRUE(point) << point.error().message;
  EXPECT_EQ(point->hw, "b200");
  EXPECT_EQ(point->image, "org/image:1");
  EXPECT_EQ(point->model_prefix, "dsr1");
  EXPECT_EQ(point->framework, "vllm");
  EXPECT_EQ(point->precision, "fp8");
  EXPECT_EQ(point->spec_decoding, "mtp");
  EXPECT_EQ(point->recipe_fingerprint, "ab12");
  EXPECT_EQ(point->kv_p2p_transfer, "nixl");
  EXPECT_EQ(point->router.dump(), R"({"version":"1.2","name":"rr"})");
  EXPECT_FALSE(point->disagg);
  EXPECT_EQ(point->isl, 1024);
  EXPECT_EQ(point->osl, 256);
  const ParallelSizes& sizes = std::get<OneNode>(point->placement).sizes;
  EXPECT_EQ(sizes.tp, 4);
  EXPECT_EQ(sizes.pp, 2);
  EXPECT_EQ(sizes.dcp, 1);
  EXPECT_EQ(sizes.pcp, 1) << "an empty variable has no value";
  EXPECT_EQ(sizes.ep, 2);
  EXPECT_EQ(sizes.dp_attention, "true");
}

TEST(InferencexEnvironment, ManyNodesAreRead) {
  Variables all = many_nodes_variables();
  all["PREFILL_PP_SIZE"] = "2";
  all["DECODE_GPUS"] = "16";
  all["DECODE_DCP_SIZE"] = "4";
  all["PREFILL_HARDWARE"] = "h200";
  all["DECODE_HARDWARE"] = "b200";
  const auto point = inferencex_point(in(all));
  ASSERT_TRUE(point) << point.error().message;
  EXPECT_TRUE(point->disagg);
  const auto& [prefill, decode] = std::get<ManyNodes>(point->placement);
  EXPECT_EQ(prefill.gpus, 8);
  EXPECT_EQ(prefill.count, 2);
  EXPECT_EQ(prefill.sizes.tp, 4);
  EXPECT_EQ(prefill.sizes.pp, 2);
  EXPECT_EQ(prefill.hardware, "h200");
  EXPECT_EQ(decode.gpus, 16);
  EXPECT_EQ(decode.sizes.ep, 4);
  EXPECT_EQ(decode.sizes.dcp, 4);
  EXPECT_EQ(decode.sizes.dp_attention, "false");
  EXPECT_EQ(decode.hardware, "b200");
}

TEST(InferencexEnvironment, AllMissingVariablesAreNamedAtOnce) {
  Variables all = changed(kOneNode, "FRAMEWORK", nullptr);
  all.erase("ISL");
  EXPECT_EQ(
      environment_error(all),
      "Missing required environment variables: FRAMEWORK, ISL; set them, or unset SPEC_DECODING, DISAGG and "
      "MODEL_PREFIX, by which the environment is known as that of InferenceX (2026)");
  EXPECT_THAT(environment_error(changed(kOneNode, "EP_SIZE", nullptr)),
              StartsWith("Missing required environment variables: EP_SIZE; "));
  all = many_nodes_variables();
  all.erase("DECODE_TP");
  all.erase("PREFILL_EP");
  EXPECT_THAT(environment_error(all),
              AllOf(StartsWith("Missing required environment variables: PREFILL_EP, DECODE_TP; "),
                    HasSubstr("SPEC_DECODING, DISAGG, MODEL_PREFIX and others")));
}

TEST(InferencexEnvironment, EmptyRequiredVariablesAreNotMissing) {
  EXPECT_EQ(environment_error(changed(kOneNode, "SPEC_DECODING", "")), "");
  EXPECT_EQ(environment_error(changed(kOneNode, "TP", "")), "TP must be an integer, but is ''");
  EXPECT_EQ(environment_error(changed(kOneNode, "OSL", "1k")), "OSL must be an integer, but is '1k'");
  EXPECT_EQ(environment_error(changed(many_nodes_variables(), "PREFILL_GPUS", "eight")),
            "PREFILL_GPUS must be an integer, but is 'eight'");
}

TEST(InferencexEnvironment, DisaggregationOnOneNodeIsRefusedBeforeTpIsAskedFor) {
  Variables all = changed(kOneNode, "DISAGG", "TRUE");
  all.erase("TP");
  EXPECT_THAT(environment_error(all), StartsWith("Disaggregated mode requires multinode setup."));
}

TEST(InferencexEnvironment, SwitchesThatAreNeitherTrueNorFalseAreNamed) {
  const auto notes = [](const char* name, const char* value) {
    return unclear_switches(in(changed(kOneNode, name, value)));
  };
  for (const char* clear : {"true", "FALSE", ""})
    EXPECT_TRUE(notes("DISAGG", clear).empty()) << clear;
  EXPECT_THAT(notes("IS_MULTINODE", "1"),
              ElementsAre("IS_MULTINODE is '1', which counts as false; set it to true or false"));
  EXPECT_THAT(notes("DISAGG", "flase"),
              ElementsAre("DISAGG is 'flase', which counts as false; set it to true or false"));
}

TEST(InferencexEnvironment, RouterIsCheckedStrictly) {
  const auto with = [](const char* text) {
    return environment_error(changed(kOneNode, "ROUTER_METADATA", text));
  };
  for (const char* none : {"", "null"})
    EXPECT_EQ(with(none), "") << none;
  EXPECT_THAT(with("{"), StartsWith("ROUTER_METADATA must contain valid JSON: line 1, column 2"));
  for (const char* other : {R"({"name": "a"})", R"({"name": "a", "version": "1", "x": 1})", "[]", " null",
                            R"({"name": "a", "tag": "1"})"})
    EXPECT_THAT(with(other),
                StartsWith("ROUTER_METADATA must contain exactly 'name' and 'version', but is '"))
        << other;
  for (const char* other : {R"({"name": "", "version": "1"})", R"({"name": "a", "version": 1})"})
    EXPECT_THAT(with(other), StartsWith("ROUTER_METADATA name and version must be non-empty strings"))
        << other;
}

}  // namespace
}  // namespace sweep::report
