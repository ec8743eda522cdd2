// controller/matrix/inferencex: the rows of the matrix, their keys, names, filters and budgets of memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/matrix/inferencex/dram_budget.hpp"
#include "controller/matrix/inferencex/glob.hpp"
#include "controller/matrix/inferencex/scalar.hpp"
#include "controller/matrix/load.hpp"
#include "tests/unit/inferencex_samples.hpp"
#include "util/json.hpp"

namespace sweep::matrix::inferencex {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class InferenceXRows : public InferenceXCommand {
 protected:
  static nlohmann::ordered_json rows(const CommandOutput& output) {
    EXPECT_EQ(output.status, 0) << output.err;
    return nlohmann::ordered_json::parse(output.out.empty() ? "[]" : output.out);
  }
  // Returns one member of each row as JSON.
  static std::vector<std::string> all(const CommandOutput& output, const char* key) {
    std::vector<std::string> out;
    for (const auto& row : rows(output))
      out.push_back(row.contains(key) ? row.at(key).dump() : "-");
    return out;
  }
  // Returns the concurrencies of the one-node sample with another element.
  std::vector<std::string> conc(const std::string& concurrency, const std::vector<std::string>& args) const {
    return all(full_sweep(changed("conc-start: 2, conc-end: 6", concurrency, kOneNode), args), "conc");
  }
};

TEST_F(InferenceXRows, OneNodeRowHasTheContractsKeysInOrder) {
  const auto output = full_sweep(changed("conc-start: 2, conc-end: 6", "conc-list: [2], ep: 2, dp-attn: true",
                                         changed("osl: 1024", "osl: 100", kOneNode)));
  EXPECT_EQ(
      output.out,
      R"([{"image": "acme/serve:1", "model": "acme/Solo-7B", "model-prefix": "solo", "precision": "fp8", )"
      R"("framework": "vllm", "runner": "x1", "isl": 1024, "osl": 100, "tp": 4, "pp": 1, "dcp-size": 1, )"
      R"("pcp-size": 1, "conc": 2, "max-model-len": 1380, "ep": 2, "dp-attn": true, )"
      R"("spec-decoding": "none", "exp-name": "solo_1024_100", "disagg": false, "run-eval": false}])"
      "\n");
}

TEST_F(InferenceXRows, ManyNodeRowHasAListAndTheWorkersKeysAsWritten) {
  EXPECT_EQ(
      full_sweep(kManyNodes, {"--no-evals"}).out,
      R"([{"image": "acme/serve:1", "model": "acme/Pair-70B", "model-prefix": "pair", "precision": "fp4", )"
      R"("framework": "dynamo-trt", "runner": "x2", "isl": 8192, "osl": 1024, "spec-decoding": "none", )"
      R"("prefill": {"num-worker": 1, "tp": 4, "ep": 4, "dp-attn": true, "pp": 1, "dcp-size": 1, )"
      R"("pcp-size": 1}, "decode": {"tp": 8, "num-worker": 2, "ep": 1, "dp-attn": false, )"
      R"("additional-settings": ["CONFIG_FILE=a.yaml"], "pp": 1, "dcp-size": 1, "pcp-size": 1}, )"
      R"("conc": [4, 32], "max-model-len": 9472, "exp-name": "pair_8k1k", "disagg": true, )"
      R"("run-eval": false, "kv-p2p-transfer": "nixl"}])"
      "\n");
}

TEST_F(InferenceXRows, AgenticRowsOfOneNodeNameOffloadAndSpeculation) {
  const auto output = full_sweep(kAgentic, {"--no-evals"});
  EXPECT_THAT(all(output, "exp-name"), ElementsAre("\"agent_tp4_conc1_kvnone\"", "\"agent_tp4_conc2_kvnone\"",
                                                   "\"agent_tp2_conc8_kvdram-pool_spec-mtp\""));
  EXPECT_EQ(
      rows(output)[2].dump(),
      R"({"image":"acme/serve:1","model":"acme/Solo-7B","model-prefix":"agent","precision":"fp8",)"
      R"("framework":"sglang","runner":"cluster:x1-lab","tp":2,"pp":1,"dcp-size":1,"pcp-size":1,"ep":1,)"
      R"("dp-attn":false,"spec-decoding":"mtp","conc":8,"kv-offloading":"dram","total-cpu-dram-gb":131,)"
      R"("duration":3600,"exp-name":"agent_tp2_conc8_kvdram-pool_spec-mtp","scenario-type":"agentic-coding",)"
      R"("kv-offload-backend":{"name":"pool"}})");
}

TEST_F(InferenceXRows, AgenticRowsOfManyNodesHaveOneConcurrencyEach) {
  const auto output = full_sweep(kAgenticNodes, {"--no-evals"});
  EXPECT_THAT(all(output, "conc"), ElementsAre("[4]", "[16]", "[24]"));
  EXPECT_THAT(all(output, "exp-name"),
              ElementsAre("\"crew_p1x4_d2x2ep2dpa_conc4\"", "\"crew_p1x4_d2x2ep2dpa_conc16\"",
                          "\"crew_p1x4_d2x2ep2dpa_conc24\""));
  EXPECT_THAT(all(output, "run-eval"), ElementsAre("-", "-", "-"));
}

TEST_F(InferenceXRows, ValuesStayAsWritten) {
  const auto output = full_sweep(changed("tp: 4, conc-start: 2, conc-end: 6",
                                         "tp: \"4\", ep: 2.0, dp-attn: \"on\", conc-list: [16.0]", kOneNode),
                                 {"--no-evals"});
  EXPECT_THAT(output.out, HasSubstr(R"("tp": "4", )"));
  EXPECT_THAT(output.out, HasSubstr(R"("conc": 16.0, "max-model-len": 2304, "ep": 2.0, "dp-attn": "on", )"));
}

TEST_F(InferenceXRows, RouterOfTheElementHidesThatOfTheEntry) {
  const std::string entry =
      changed("  multinode: false\n", "  multinode: false\n  router: { version: '1', name: rr }\n", kOneNode);
  EXPECT_THAT(full_sweep(entry).out, HasSubstr(R"("router": {"version": "1", "name": "rr"}})"));
  EXPECT_THAT(all(full_sweep(changed("{ tp: 4, ", "{ tp: 4, router: ~, ", entry)), "router"),
              ElementsAre("-", "-", "-"));
}

TEST_F(InferenceXRows, RangeIsMultipliedAndClamped) {
  EXPECT_THAT(conc("conc-start: 3, conc-end: 50", {}), ElementsAre("3", "6", "12", "24", "48", "50"));
  EXPECT_THAT(conc("conc-start: 3, conc-end: 50", {"--step-size", "3"}), ElementsAre("3", "9", "27", "50"));
  EXPECT_THAT(conc("conc-start: 2.0, conc-end: 5", {}), ElementsAre("2.0", "4.0", "5"));
  EXPECT_THAT(conc("conc-list: [], conc-start: 2, conc-end: 2", {}), ElementsAre("2"));
  EXPECT_THAT(conc("conc-start: 1, conc-end: 1_000_000_000_000", {"--step-size", "9223372036854775807"}),
              ElementsAre("1", "1000000000000"));
}

TEST_F(InferenceXRows, LimitsOfOneNodeRestartTheRangeAndReplaceLists) {
  const std::string range = "conc-start: 3, conc-end: 50", list = "conc-list: [8, 4, 8, 32]";
  EXPECT_THAT(conc(range, {"--min-conc", "5"}), ElementsAre("5", "10", "20", "40", "50"));
  EXPECT_THAT(conc(range, {"--min-conc", "51"}), IsEmpty());
  EXPECT_THAT(conc(range, {"--max-conc", "7"}), ElementsAre("3", "6", "7"));
  EXPECT_THAT(conc(range, {"--max-conc", "1"}), ElementsAre("1"));
  EXPECT_THAT(conc(range, {"--min-conc", "7", "--max-conc", "9"}), ElementsAre("7", "9"));
  EXPECT_THAT(conc(list, {"--min-conc", "8"}), ElementsAre("8", "8", "32"));
  EXPECT_THAT(conc(list, {"--max-conc", "8"}), ElementsAre("8", "4", "8"));
  EXPECT_THAT(conc(list, {"--max-conc", "3"}), ElementsAre("3"));
  for (const char* option : {"--min-conc", "--max-conc", "--max-tp", "--max-ep"}) {
    EXPECT_THAT(conc(range, {option, "0"}), IsEmpty()) << option;
    EXPECT_THAT(conc(list, {option, "-8"}), IsEmpty()) << option;
  }
}

TEST_F(InferenceXRows, LimitsOfManyNodesAndAgenticRows) {
  EXPECT_THAT(all(full_sweep(kManyNodes, {"--max-conc", "3"}), "conc"), ElementsAre("[3]"));
  EXPECT_THAT(all(full_sweep(kManyNodes, {"--min-conc", "5"}), "conc"), ElementsAre("[32]"));
  EXPECT_THAT(all(full_sweep(kManyNodes, {"--min-conc", "100"}), "conc"), IsEmpty());
  EXPECT_THAT(all(full_sweep(kManyNodes, {"--max-tp", "1", "--max-ep", "1"}), "conc"), ElementsAre("[4,32]"));
  EXPECT_THAT(all(full_sweep(kAgentic, {"--min-conc", "-3", "--max-conc", "1"}), "conc"), ElementsAre("1"))
      << "an agentic element only loses values";
  EXPECT_THAT(all(full_sweep(kAgentic, {"--seq-lens", "1k1k", "--max-tp", "1"}), "conc"),
              ElementsAre("1", "2", "8"));
}

TEST_F(InferenceXRows, MaxEpLowersAndMaxTpLeavesOut) {
  const std::string element = "ep: 8, conc-list: [1]";
  EXPECT_THAT(
      all(full_sweep(changed("conc-start: 2, conc-end: 6", element, kOneNode), {"--max-ep", "2"}), "ep"),
      ElementsAre("2"));
  EXPECT_THAT(conc(element, {"--max-tp", "3"}), IsEmpty());
  EXPECT_THAT(conc(element, {"--max-tp", "4"}), ElementsAre("1"));
}

TEST_F(InferenceXRows, NodeFilterOfFullSweepNeverMatchesTheLabel) {
  const std::string one = changed("conc-start: 2, conc-end: 6", "conc-list: [2, 4]", kOneNode);
  const auto filtered = full_sweep(one, {"--runner-node-filter", "lab"});
  EXPECT_THAT(all(filtered, "runner"),
              ElementsAre("\"x1-lab_0\"", "\"x1-lab_1\"", "\"x1-lab_0\"", "\"x1-lab_1\""));
  EXPECT_THAT(all(filtered, "conc"), ElementsAre("2", "2", "4", "4")) << "concurrency outside, node inside";
  EXPECT_THAT(all(full_sweep(kManyNodes, {"--runner-node-filter", "x1"}), "runner"), IsEmpty());
  EXPECT_THAT(all(full_sweep(kAgenticNodes, {"--runner-node-filter", "_"}), "conc"),
              ElementsAre("[4]", "[16]", "[24]", "[4]", "[16]", "[24]"))
      << "node outside";
}

TEST_F(InferenceXRows, TestConfigFiltersNodesByLabelFirstAndListsByConc) {
  const std::string one = changed("conc-start: 2, conc-end: 6", "conc-list: [8, 2, 4]", kOneNode);
  EXPECT_THAT(
      all(matrix(one, "test-config", {"--config-keys", "solo", "--runner-node-filter", "x1", "--conc", "2"}),
          "runner"),
      ElementsAre("\"x1\"", "\"x1-lab_0\"", "\"x1-lab_1\"", "\"x1-den_0\""));
  EXPECT_THAT(all(matrix(one, "test-config", {"--config-keys", "*", "--conc", "4", "8"}), "conc"),
              ElementsAre("8", "4"));
}

TEST_F(InferenceXRows, TestConfigTakesEachKeyOnceAndNamesUnknownOnes) {
  const std::string yaml = kOneNode + kManyNodes;
  const auto keys = [&](const std::vector<std::string>& wanted) {
    std::vector<std::string> args = {"--no-evals", "--config-keys"};
    args.insert(args.end(), wanted.begin(), wanted.end());
    return matrix(yaml, "test-config", args);
  };
  EXPECT_THAT(all(keys({"pair", "p*", "[!p]*", "pair"}), "model-prefix"),
              ElementsAre("\"pair\"", "\"solo\"", "\"solo\"", "\"solo\""));
  EXPECT_EQ(message_of(keys({"sole"}), "test-config"),
            "Config key(s) not found: sole. Did you mean 'solo'? Available keys: pair, solo");
  EXPECT_EQ(message_of(keys({"x-*"}), "test-config"),
            "Pattern 'x-*' matched no config keys. Available keys: pair, solo");
}

TEST_F(InferenceXRows, NothingSelectedIsAnEmptyListWithStatus0) {
  EXPECT_EQ(full_sweep(kOneNode, {"--precision", "fp4"}).out, "[]\n");
  EXPECT_EQ(full_sweep("{}\n").out, "[]\n") << "the runner file shows the generation";
  EXPECT_EQ(matrix(kOneNode, "test-config", {"--config-keys", "solo", "--conc", "77"}).out, "[]\n");
}

TEST_F(InferenceXRows, SeveralFilesAndRepeatKeepTheirOrder) {
  const auto output =
      run({"full-sweep", "--config-files", put("b.yaml", kManyNodes), put("a.yaml", kOneNode),
           "--runner-config", put("labels.yaml", kLabels), "--repeat", "2", "--max-conc", "4"});
  EXPECT_THAT(all(output, "model-prefix"),
              ElementsAre("\"pair\"", "\"solo\"", "\"solo\"", "\"pair\"", "\"solo\"", "\"solo\""));
}

// ---- memory of a KV offload

TEST_F(InferenceXRows, MemoryErrorsNameTheElement) {
  const auto error = [&](const std::string& from, const std::string& to) {
    return error_of(changed(from, to, kAgentic));
  };
  EXPECT_EQ(
      error("tp: 2", "tp: 8, pp: 2"),
      "f.yaml:14: tp=8 with pp=2 and pcp-size=1 requires 16 GPUs and exceeds gpus-per-node=8 for runner "
      "'cluster:x1-lab'");
  EXPECT_THAT(
      error("cluster:x1-lab", "cluster:x9"),
      HasSubstr("f.yaml:14: Runner 'cluster:x9' requires 'available-cpu-dram-mib' in runner hardware "
                "metadata. Available hardware keys: cluster:x1-lab; add it under 'hardware' in labels.yaml"));
  const auto nodes = [&](const std::string& tp) {
    return error_of(changed("num-worker: 1, tp: 4", "num-worker: 1, tp: " + tp,
                            changed("      - conc-list: [4, 16, 24]\n",
                                    "      - conc-list: [4, 16, 24]\n        kv-offloading: dram\n"
                                    "        kv-offload-backend: { name: p }\n",
                                    kAgenticNodes)));
  };
  EXPECT_EQ(
      nodes("12"),
      "f.yaml:13: worker tp*pp*pcp-size=12 spans multiple nodes but is not a multiple of gpus-per-node=8");
  EXPECT_EQ(nodes("3"), "f.yaml:13: worker tp*pp*pcp-size=3 does not divide gpus-per-node=8 evenly");
  EXPECT_EQ(nodes("0"), "f.yaml:13: worker tp*pp*pcp-size=0 must be at least 1; correct 'tp'");
}

TEST(InferenceXDram, IsComputedInDecimals) {
  EXPECT_EQ(scaled_gigabytes(1'000'000, "0.5", 2, 8).value_or(-1), 131);
  EXPECT_EQ(scaled_gigabytes(2'861'022, "0.8", 8, 8).value_or(-1), 2399);
  EXPECT_EQ(scaled_gigabytes(2'861'022, "1", 1, 3).value_or(-1), 999);
  EXPECT_EQ(scaled_gigabytes(2'861'022, "8e-1", 8, 8).value_or(-1), 2399);
  EXPECT_EQ(scaled_gigabytes(1, ".000001", 1, 1).value_or(-1), 0);
  // With binary floating point this would be one less: 0.3 * 10^9 is 299999999.99999994 there.
  EXPECT_EQ(scaled_gigabytes(1'000'000'000, "0.0953674316406250", 1, 100).value_or(-1), 1000);
  EXPECT_THAT(scaled_gigabytes(1, "0.123456789012345678901", 1, 1).error().message,
              HasSubstr("has more than 20 digits; round it"));
}

// ---- spellings

yaml::ValueRef value_of(const std::string& text) {
  return yaml::parse_document(text).value();
}

TEST(InferenceXScalar, IntegersAreReadAsPydanticReadsThem) {
  for (const auto& [text, number] :
       std::initializer_list<std::pair<const char*, std::int64_t>>{{"4", 4},
                                                                   {"-4", -4},
                                                                   {"true", 1},
                                                                   {"4.0", 4},
                                                                   {"'4'", 4},
                                                                   {"' 4 '", 4},
                                                                   {"'1_0'", 10},
                                                                   {"'4.0'", 4},
                                                                   {"'4.00'", 4},
                                                                   {"'+4'", 4},
                                                                   {"'0004'", 4},
                                                                   {"'-0'", 0},
                                                                   {"'4_0.0'", 40},
                                                                   {"0x10", 16},
                                                                   {"1:30", 90}}) {
    const auto read = read_integer(*value_of(text));
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->number, number) << text;
  }
  for (const char* text : {"'_10'", "'10_'", "'1__0'", "'4.'", "'4.5'", "'- 4'", "'0x10'", "'1e3'", "''",
                           "' '", "'.0'", "'--4'", "4.5", ".inf", ".nan", "~", "[4]", "2026-01-01"})
    EXPECT_FALSE(read_integer(*value_of(text))) << text;
}

TEST(InferenceXScalar, BooleansAreReadAsPydanticReadsThem) {
  for (const char* text : {"true", "'on'", "'ON'", "'Yes'", "'y'", "'T'", "'1'", "1", "1.0", "'tRuE'"}) {
    const auto read = read_boolean(*value_of(text));
    EXPECT_TRUE(read && read->number == 1) << text;
  }
  for (const char* text : {"no", "'off'", "'N'", "'f'", "'0'", "0", "0.0"}) {
    const auto read = read_boolean(*value_of(text));
    EXPECT_TRUE(read && read->number == 0) << text;
  }
  for (const char* text : {"' true'", "'2'", "''", "2", "-1", "2.0", "'1.0'", "~", "[]"})
    EXPECT_FALSE(read_boolean(*value_of(text))) << text;
}

TEST(InferenceXScalar, EqualityIsPythons) {
  const auto read = [](const char* text) { return read_integer(*value_of(text)).value(); };
  EXPECT_EQ(read("4"), read("4.0"));
  EXPECT_EQ(read("1"), read("true"));
  EXPECT_NE(read("4"), read("'4'"));
  EXPECT_NE(read("'4'"), read("' 4'"));
  EXPECT_EQ(python_str(read("true")), "True");
  EXPECT_EQ(python_str(read("4.0")), "4.0");
}

TEST(InferenceXGlob, MatchesAsFnmatchDoes) {
  for (const auto& [pattern, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"*", ""},
                                                                  {"a*c", "abbc"},
                                                                  {"a?c", "a\u00e9c"},
                                                                  {"[ab]x", "bx"},
                                                                  {"[!ab]x", "cx"},
                                                                  {"[a-c]1", "b1"},
                                                                  {"[", "["},
                                                                  {"[]]", "]"},
                                                                  {"*-fp?-*", "m-fp8-h"},
                                                                  {"a**b", "ab"},
                                                                  {"*b*b", "abab"},
                                                                  {"[a-", "[a-"}})
    EXPECT_TRUE(glob_matches(pattern, text)) << pattern << " " << text;
  for (const auto& [pattern, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"", "a"},
                                                                  {"a", "A"},
                                                                  {"?", ""},
                                                                  {"a*c", "acd"},
                                                                  {"[!ab]x", "ax"},
                                                                  {"[a-c]1", "d1"},
                                                                  {"?", "ab"},
                                                                  {"m", "m-fp8"}})
    EXPECT_FALSE(glob_matches(pattern, text)) << pattern << " " << text;
}

}  // namespace
}  // namespace sweep::matrix::inferencex
