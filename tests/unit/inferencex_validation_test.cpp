// controller/matrix/inferencex: every rule of sections 1 and 3 of the contract, with its message, file and
// line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/inferencex_samples.hpp"

namespace sweep::matrix::inferencex {
namespace {

using testing::HasSubstr;

struct Rule {
  const char* name;
  std::string yaml;
  int line;
  std::string message;  // after "Master config entry 'KEY' failed validation: "
};

std::string key_of(const std::string& yaml) {
  return yaml.substr(0, yaml.find(':'));
}

void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}

class InferenceXRule : public InferenceXCommand, public testing::WithParamInterface<Rule> {};

TEST_P(InferenceXRule, IsReportedWithFileAndLine) {
  const Rule& rule = GetParam();
  EXPECT_EQ(error_of(rule.yaml), "f.yaml:" + std::to_string(rule.line) + ": Master config entry '" +
                                     key_of(rule.yaml) + "' failed validation: " + rule.message);
}

std::string element(const std::string& text) {
  return changed("{ tp: 4, conc-start: 2, conc-end: 6 }", text, kOneNode);
}
std::string entry_line(const std::string& line) {
  return changed("  multinode: false\n", "  multinode: false\n" + line + "\n", kOneNode);
}
std::string agent(const std::string& text) {
  return changed("{ tp: 4, kv-offloading: none, conc-list: [1, 2] }", text, kAgentic);
}

const std::string kElement = "scenarios.fixed-seq-len.0.search-space.0";
const std::string kAgenticElement = "scenarios.agentic-coding.0.search-space.0";
const std::string kWantsInteger = "; write a number without decimals";
const std::string kElementKeys =
    "known keys: tp, pp, dcp-size, pcp-size, ep, spec-decoding, dp-attn, router, conc-start, conc-end, conc-list";

const Rule kConcurrencyRules[] = {
    {"ListAndRange", element("{ tp: 4, conc-list: [1], conc-start: 2, conc-end: 6 }"), 13,
     kElement +
         ": Cannot specify both 'conc-list' list and 'conc-start'/'conc-end'. Use either a list or a range, not "
         "both."},
    {"Neither", element("{ tp: 4 }"), 13,
     kElement + ": Must specify either 'conc-list' list or both 'conc-start' and 'conc-end'."},
    {"HalfARange", element("{ tp: 4, conc-list: [], conc-end: 6 }"), 13,
     kElement + ": Must specify either 'conc-list' list or both 'conc-start' and 'conc-end'."},
    {"ZeroInRange", element("{ tp: 4, conc-start: 0, conc-end: 6 }"), 13,
     kElement + ": Input 'conc-start' and 'conc-end' must be greater than 0."},
    {"InvertedRange", element("{ tp: 4, conc-start: 8, conc-end: 2 }"), 13,
     kElement + ": 'conc-start' (8) must be <= 'conc-end' (2)."},
    {"ZeroInList", element("{ tp: 4, conc-list: [4, 0] }"), 13,
     kElement + ": Input 'conc-list' entries must be greater than 0."},
    {"WordInList", element("{ tp: 4, conc-list: [4, many] }"), 13,
     kElement + ".conc-list.1: must be an integer, got 'many'" + kWantsInteger},
    {"ListIsNumber", element("{ tp: 4, conc-list: 4 }"), 13, kElement + ".conc-list: must be a list, got 4"},
};
INSTANTIATE_TEST_SUITE_P(Concurrency, InferenceXRule, testing::ValuesIn(kConcurrencyRules),
                         [](const auto& rule) { return rule.param.name; });

const Rule kElementRules[] = {
    {"NotAMapping", element("4"), 13,
     kElement + ": must be a mapping with the keys " + kElementKeys.substr(12) + ", got 4"},
    {"TpMissing", element("{ conc-list: [1] }"), 13, kElement + ".tp: required key is missing; add it"},
    {"TpMisspelled", element("{ tpp: 4, conc-list: [1] }"), 13,
     kElement + ".tp: required key is missing, and 'tpp' is unknown; rename it to 'tp'"},
    {"TpIsWord", element("{ tp: four, conc-list: [1] }"), 13,
     kElement + ".tp: must be an integer, got 'four'" + kWantsInteger},
    {"TpHasDecimals", element("{ tp: 4.5, conc-list: [1] }"), 13,
     kElement + ".tp: must be an integer, got 4.5" + kWantsInteger},
    {"TpIsHuge", element("{ tp: 99999999999999999999, conc-list: [1] }"), 13,
     kElement + ".tp: must be between -1000000000000000 and 1000000000000000, got 99999999999999999999"},
    {"PpIsZero", element("{ tp: 4, pp: 0, conc-list: [1] }"), 13,
     kElement + ".pp: must be greater than 0, got 0"},
    {"PpIsQuoted", element("{ tp: 4, pp: '2', conc-list: [1] }"), 13,
     kElement + ".pp: must be an integer without quotes or decimals, got '2'"},
    {"DcpSizeIsFloat", element("{ tp: 4, dcp-size: 2.0, conc-list: [1] }"), 13,
     kElement + ".dcp-size: must be an integer without quotes or decimals, got 2.0"},
    {"PcpSizeIsNull", element("{ tp: 4, pcp-size: ~, conc-list: [1] }"), 13,
     kElement + ".pcp-size: must be an integer without quotes or decimals, got null"},
    {"DcpSizeDoesNotDivideTp", element("{ tp: 6, dcp-size: 4, conc-list: [1] }"), 13,
     kElement + ": 'tp' (6) must be divisible by 'dcp-size' (4)"},
    {"SpecDecoding", element("{ tp: 4, spec-decoding: eagle, conc-list: [1] }"), 13,
     kElement + ".spec-decoding: must be 'mtp', 'draft_model' or 'none', got 'eagle'"},
    {"DpAttn", element("{ tp: 4, dp-attn: 2, conc-list: [1] }"), 13,
     kElement + ".dp-attn: must be true or false, got 2"},
    {"UnknownKey", element("{ tp: 4, quantum: 1, conc-list: [1] }"), 13,
     kElement + ".quantum: unknown key; " + kElementKeys},
    {"UnknownKeyNearAnother", element("{ tp: 4, dp_attn: true, conc-list: [1] }"), 13,
     kElement + ".dp_attn: unknown key; did you mean 'dp-attn'?"},
    {"UnknownKeysAreReportedLast", element("{ zeta: 1, tp: x, conc-list: [1] }"), 13,
     kElement + ".tp: must be an integer, got 'x'" + kWantsInteger},
    {"WorkersInOneNode", element("{ prefill: {}, decode: {}, conc-list: [1] }"), 13,
     kElement + ".tp: required key is missing; add it"},
};
INSTANTIATE_TEST_SUITE_P(Element, InferenceXRule, testing::ValuesIn(kElementRules),
                         [](const auto& rule) { return rule.param.name; });

std::string prefill(const std::string& text) {
  return changed("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true }", text, kManyNodes);
}
const std::string kDecodeLine =
    "        decode: { tp: 8, num-worker: 2, ep: 1, dp-attn: false, additional-settings: [CONFIG_FILE=a.yaml] }\n";

const Rule kWorkerRules[] = {
    {"EpMissing", prefill("{ num-worker: 1, tp: 4, dp-attn: true }"), 17,
     kElement + ".prefill.ep: required key is missing; add it"},
    {"NumWorkerIsWord", prefill("{ num-worker: one, tp: 4, ep: 4, dp-attn: true }"), 17,
     kElement + ".prefill.num-worker: must be an integer, got 'one'" + kWantsInteger},
    {"DcpSizeDoesNotDivideTp", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, dcp-size: 3 }"), 17,
     kElement + ".prefill: 'tp' (4) must be divisible by 'dcp-size' (3)"},
    {"HardwareOfOne", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, hardware: x1 }"), 16,
     kElement + ": 'hardware' must be specified for both 'prefill' and 'decode', or neither"},
    {"EmptyHardware", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, hardware: '' }"), 17,
     kElement + ".prefill.hardware: must not be empty; give a text or remove the key"},
    {"SettingIsNumber", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, additional-settings: [1] }"),
     17, kElement + ".prefill.additional-settings.0: must be text, got 1; write NAME=value in quotes"},
    {"DecodeMissing", changed(kDecodeLine, "", kManyNodes), 16,
     kElement + ".decode: required key is missing; add it"},
    {"TpOfOneNode", changed("- conc-list: [4, 32]\n", "- conc-list: [4, 32]\n        tp: 8\n", kManyNodes),
     17,
     kElement +
         ".tp: unknown key; known keys: spec-decoding, prefill, decode, router, kv-p2p-transfer, conc-start, "
         "conc-end, conc-list"},
};

INSTANTIATE_TEST_SUITE_P(Worker, InferenceXRule, testing::ValuesIn(kWorkerRules),
                         [](const auto& rule) { return rule.param.name; });

const std::string kNode = "tp: 4, conc-list: [1]";

const Rule kAgenticRules[] = {
    {"BackendWithoutMode", agent("{ " + kNode + ", kv-offload-backend: { name: p } }"), 13,
     kAgenticElement + ": kv-offload-backend requires kv-offloading"},
    {"BackendWithNone", agent("{ " + kNode + ", kv-offloading: none, kv-offload-backend: { name: p } }"), 13,
     kAgenticElement + ": kv-offload-backend can only be set when kv-offloading is not 'none'"},
    {"DramWithoutBackend", agent("{ " + kNode + ", kv-offloading: dram }"), 13,
     kAgenticElement + ": kv-offload-backend is required when kv-offloading is 'dram'"},
    {"NoTopology", agent("{ kv-offloading: none, conc-list: [1] }"), 13,
     kAgenticElement + ": Agentic search-space entries must specify either tp or both prefill and decode"},
    {"NoMode", agent("{ " + kNode + " }"), 13,
     kAgenticElement + ": Single-node agentic search-space entries must specify kv-offloading"},
    {"UnknownMode", agent("{ " + kNode + ", kv-offloading: disk }"), 13,
     kAgenticElement + ".kv-offloading: must be 'none' or 'dram', got 'disk'"},
    {"DcpSize", agent("{ tp: 4, dcp-size: 3, conc-list: [1], kv-offloading: none }"), 13,
     kAgenticElement + ": 'tp' (4) must be divisible by 'dcp-size' (3)"},
    {"BackendVersionIsImage",
     agent("{ " + kNode + ", kv-offloading: dram, kv-offload-backend: { name: p, version: 'image:a' } }"), 13,
     kAgenticElement +
         ".kv-offload-backend.version: component version must be a release, package version, or source commit, "
         "not an image reference"},
    {"NoUtilization",
     changed("    - dram-utilization: 0.5\n      search-space:", "    - search-space:", kAgentic), 11,
     "scenarios.agentic-coding.0: kv-offloading='dram' requires dram-utilization with runner hardware metadata"},
    {"UtilizationAboveOne", changed("0.5", "1.5", kAgentic), 11,
     "scenarios.agentic-coding.0.dram-utilization: must be greater than 0 and at most 1, got 1.5"},
    {"UtilizationIsWord", changed("0.5", "half", kAgentic), 11,
     "scenarios.agentic-coding.0.dram-utilization: must be a number, got 'half'"},
    {"DurationIsNoKey",
     changed("dram-utilization: 0.5", "dram-utilization: 0.5\n      duration: 60", kAgentic), 12,
     "scenarios.agentic-coding.0.duration: unknown key; known keys: search-space, dram-utilization"},
    {"PlainRunner", changed("cluster:x1-lab", "x1", kAgentic), 2,
     "Agentic master configs must use a 'cluster:<name>' runner so every point runs on one exact hardware fleet."},
    {"TransferOfOneNode", agent("{ " + kNode + ", kv-offloading: none, kv-p2p-transfer: nixl }"), 2,
     "kv-p2p-transfer is only valid when multinode=true"},
    {"WorkersInOneNode",
     agent(
         "{ conc-list: [1], prefill: { num-worker: 1, tp: 1, ep: 1, dp-attn: no }, decode: { num-worker: 1, tp: "
         "1, ep: 1, dp-attn: no } }"),
     13,
     "the entry has 'multinode: false', but this agentic element has 'prefill' and 'decode' instead of 'tp'"},
};
INSTANTIATE_TEST_SUITE_P(Agentic, InferenceXRule, testing::ValuesIn(kAgenticRules),
                         [](const auto& rule) { return rule.param.name; });

std::string crew(const std::string& line) {
  return changed("      - conc-list: [4, 16, 24]\n", "      - conc-list: [4, 16, 24]\n        " + line + "\n",
                 kAgenticNodes);
}

const Rule kAgenticNodeRules[] = {
    {"SizesOfOneNode", crew("pp: 1"), 13,
     kAgenticElement +
         ": Multinode agentic search-space entries cannot specify 'pp', 'dcp-size', 'pcp-size'"},
    {"BothTopologies", crew("tp: 4"), 13,
     kAgenticElement + ": Agentic search-space entries must specify either tp or both prefill and decode"},
    {"HardwareOfOne", changed("ep: 2, dp-attn: true", "ep: 2, dp-attn: true, hardware: x1", kAgenticNodes),
     13, kAgenticElement + ": 'hardware' must be specified for both 'prefill' and 'decode', or neither"},
    {"OneNodeInManyNodes", changed("  multinode: false", "  multinode: true", kAgentic), 13,
     "the entry has 'multinode: true', but this agentic element has 'tp' instead of 'prefill' and 'decode'"},
};
INSTANTIATE_TEST_SUITE_P(AgenticManyNodes, InferenceXRule, testing::ValuesIn(kAgenticNodeRules),
                         [](const auto& rule) { return rule.param.name; });

const Rule kEntryRules[] = {
    {"ImageMissing", changed("  image: acme/serve:1\n", "", kOneNode), 2,
     "image: required key is missing; add it"},
    {"ModelIsNumber", changed("acme/Solo-7B", "7", kOneNode), 3,
     "model: must be text, got 7; write it in quotes"},
    {"PrecisionIsFloat", changed("fp8", "8.0", kOneNode), 5,
     "precision: must be text, got 8.0; write it in quotes"},
    {"MultinodeMissing", changed("  multinode: false\n", "", kOneNode), 2,
     "multinode: required key is missing; add it"},
    {"MultinodeIsQuoted", changed("multinode: false", "multinode: 'true'", kOneNode), 8,
     "multinode: must be true, got 'true'; write it without quotes"},
    {"DisaggOfOneNode", entry_line("  disagg: true"), 9,
     "disagg: must be false, got true; only an entry with 'multinode: true' can have 'disagg: true'"},
    {"TransferOfOneNode", entry_line("  kv-p2p-transfer: nixl"), 9,
     "kv-p2p-transfer: unknown key; known keys: image, model, model-prefix, precision, framework, runner, "
     "multinode, disagg, router, scenarios"},
    {"UnknownKey", entry_line("  modle: x"), 9, "modle: unknown key; did you mean 'model'?"},
    {"RouterWithoutVersion", entry_line("  router: { name: rr }"), 9,
     "router.version: required key is missing; add it"},
    {"RouterWithEmptyName", entry_line("  router: { name: '', version: '1' }"), 9,
     "router.name: must not be empty; give a text"},
    {"RouterWithAnotherKey", entry_line("  router: { name: rr, version: '1', url: x }"), 9,
     "router.url: unknown key; known keys: name, version"},
    {"RouterVersionIsImage", entry_line("  router: { name: rr, version: 'image:x' }"), 9,
     "router.version: component version must be a release, package version, or source commit, not an image "
     "reference"},
    {"RouterAtBothLevels",
     changed("{ tp: 4, ", "{ tp: 4, router: { name: a, version: '2' }, ",
             entry_line("  router: { name: rr, version: '1' }")),
     2, "router must be declared either at the top level or in search-space entries, not both"},
    {"TransferAtBothLevels",
     changed("- conc-list: [4, 32]\n", "- conc-list: [4, 32]\n        kv-p2p-transfer: mori\n", kManyNodes),
     2, "kv-p2p-transfer must be declared either at the top level or in search-space entries, not both"},
    {"DisaggWithoutTransfer", changed("  kv-p2p-transfer: nixl\n", "", kManyNodes), 2,
     "disagg=true requires kv-p2p-transfer at the top level or in every search-space entry"},
    {"ScenariosEmpty", kOneNode.substr(0, kOneNode.find("    fixed-seq-len")) + "    agentic-coding: []\n",
     10, "scenarios: At least one scenario type must be specified"},
    {"UnknownScenario", changed("fixed-seq-len", "fixed-seqlen", kOneNode), 10,
     "scenarios.fixed-seqlen: unknown key; did you mean 'fixed-seq-len'?"},
    {"IslIsWord", changed("isl: 1024", "isl: long", kOneNode), 11,
     "scenarios.fixed-seq-len.0.isl: must be an integer, got 'long'" + kWantsInteger},
    {"OslMissing", changed("      osl: 1024\n", "", kOneNode), 11,
     "scenarios.fixed-seq-len.0.osl: required key is missing; add it"},
    {"SearchSpaceMissing", changed("search-space: [{ tp: 4, conc-start: 2, conc-end: 6 }]", "", kOneNode), 11,
     "scenarios.fixed-seq-len.0.search-space: required key is missing; add it"},
};
INSTANTIATE_TEST_SUITE_P(Entry, InferenceXRule, testing::ValuesIn(kEntryRules),
                         [](const auto& rule) { return rule.param.name; });

const std::vector<Rule> kFurtherRules = {
    {"EpIsWord", element("{ tp: 4, ep: all, conc-list: [1] }"), 13,
     kElement + ".ep: must be an integer, got 'all'" + kWantsInteger},
    {"HalfARangeWithoutEnd", element("{ tp: 4, conc-start: 6 }"), 13,
     kElement + ": Must specify either 'conc-list' list or both 'conc-start' and 'conc-end'."},
    {"ZeroAtTheEndOfARange", element("{ tp: 4, conc-start: 4, conc-end: 0 }"), 13,
     kElement + ": Input 'conc-start' and 'conc-end' must be greater than 0."},
    {"AgenticListAndRange", agent("{ " + kNode + ", kv-offloading: none, conc-start: 1, conc-end: 2 }"), 13,
     kAgenticElement +
         ": Cannot specify both 'conc-list' list and 'conc-start'/'conc-end'. Use either a list or a range, not "
         "both."},
    {"AgenticZeroInList", agent("{ tp: 4, conc-list: [0], kv-offloading: none }"), 13,
     kAgenticElement + ": Input 'conc-list' entries must be greater than 0."},
    {"AgenticInvertedRange", agent("{ tp: 4, conc-start: 4, conc-end: 2, kv-offloading: none }"), 13,
     kAgenticElement + ": 'conc-start' (4) must be <= 'conc-end' (2)."},
    {"AgenticBackendWithoutName", agent("{ " + kNode + ", kv-offloading: dram, kv-offload-backend: {} }"), 13,
     kAgenticElement + ".kv-offload-backend.name: required key is missing; add it"},
    {"AgenticBackendWithEmptyName",
     agent("{ " + kNode + ", kv-offloading: dram, kv-offload-backend: { name: '' } }"), 13,
     kAgenticElement + ".kv-offload-backend.name: must not be empty; give a text"},
    {"AgenticRouterAtBothLevels",
     changed("  multinode: false\n", "  multinode: false\n  router: { name: rr, version: '1' }\n",
             agent("{ " + kNode + ", kv-offloading: none, router: { name: a, version: '2' } }")),
     2, "router must be declared either at the top level or in search-space entries, not both"},
    {"UtilizationIsZero", changed("0.5", "0", kAgentic), 11,
     "scenarios.agentic-coding.0.dram-utilization: must be greater than 0 and at most 1, got 0"},
    {"AgenticDecodeMissing", changed("        decode: ", "        decoder: ", kAgenticNodes), 15,
     kAgenticElement + ".decoder: unknown key; did you mean 'decode'?"},
    {"DcpSizeOfDecode", changed("tp: 8, num-worker: 2", "tp: 8, dcp-size: 3, num-worker: 2", kManyNodes), 18,
     kElement + ".decode: 'tp' (8) must be divisible by 'dcp-size' (3)"},
    {"DpAttnOfAWorkerMissing", prefill("{ num-worker: 1, tp: 4, ep: 4 }"), 17,
     kElement + ".prefill.dp-attn: required key is missing; add it"},
    {"SettingsAreText", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, additional-settings: A=1 }"),
     17, kElement + ".prefill.additional-settings: must be a list, got 'A=1'"},
    {"UnknownKeyOfAWorker", prefill("{ num-worker: 1, tp: 4, ep: 4, dp-attn: true, hardwear: x1 }"), 17,
     kElement + ".prefill.hardwear: unknown key; did you mean 'hardware'?"},
    {"WorkerBeforeItsElement",
     changed("- conc-list: [4, 32]", "- conc-list: [0]",
             prefill("{ num-worker: 1, tp: 4, ep: x, dp-attn: on }")),
     17, kElement + ".prefill.ep: must be an integer, got 'x'" + kWantsInteger},
    {"EmptyTransfer", changed("kv-p2p-transfer: nixl", "kv-p2p-transfer: ''", kManyNodes), 10,
     "kv-p2p-transfer: must not be empty; give a text or remove the key"},
    {"RouterWithEmptyVersion", entry_line("  router: { name: rr, version: '' }"), 9,
     "router.version: must not be empty; give a text"},
    {"RouterVersionIsNumber", entry_line("  router: { name: rr, version: 1.5 }"), 9,
     "router.version: must be text, got 1.5; write it in quotes"},
    {"MultinodeIsWord", changed("multinode: false", "multinode: perhaps", kOneNode), 8,
     "multinode: must be true or false, got 'perhaps'"},
    {"DisaggIsWord", changed("disagg: true", "disagg: perhaps", kManyNodes), 9,
     "disagg: must be true or false, got 'perhaps'"},
    {"ScenarioIsNumber", kOneNode.substr(0, kOneNode.find("    fixed-seq-len")) + "    fixed-seq-len: 4\n",
     10, "scenarios.fixed-seq-len: must be a list, got 4"},
    {"SearchSpaceIsMapping", element("").substr(0, element("").find("search-space")) + "search-space: {}\n",
     13, "scenarios.fixed-seq-len.0.search-space: must be a list, got a mapping"},
    {"BlockIsNumber", kOneNode.substr(0, kOneNode.find("    - isl")) + "    - 1024\n", 11,
     "scenarios.fixed-seq-len.0: must be a mapping with the keys isl, osl, search-space, got 1024"},
};
INSTANTIATE_TEST_SUITE_P(Further, InferenceXRule, testing::ValuesIn(kFurtherRules),
                         [](const auto& rule) { return rule.param.name; });

TEST_F(InferenceXCommand, ScenariosMissingIsReportedAtTheEntry) {
  const std::string yaml = kOneNode.substr(0, kOneNode.find("  scenarios"));
  EXPECT_EQ(
      error_of(yaml),
      "f.yaml:2: Master config entry 'solo' failed validation: scenarios: required key is missing; add it");
}

TEST_F(InferenceXCommand, EntryThatIsNoMappingIsReported) {
  EXPECT_THAT(
      error_of(kOneNode + "empty:\n"),
      HasSubstr("f.yaml:14: Master config entry 'empty' failed validation: must be a mapping with the keys "
                "image, model, "));
  EXPECT_EQ(error_of(kOneNode + "5: {}\n"),
            "f.yaml:14: the key 5 of an entry must be text; write it in quotes");
}

TEST_F(InferenceXCommand, FirstBadEntryOfAllFilesEndsTheRunWhateverIsSelected) {
  const std::string bad = changed("solo:", "later:", element("{ tp: 4 }"));
  EXPECT_THAT(error_of(kOneNode + bad, {"--model-prefix", "solo"}),
              HasSubstr("f.yaml:26: Master config entry 'later' failed validation: "));
  EXPECT_THAT(error_of(bad, {"--runner-config", "/nowhere"}), HasSubstr("f.yaml:13: "))
      << "before the runner file is opened";
}

TEST_F(InferenceXCommand, QuotedRangeIsRefusedInsteadOfRunningForever) {
  EXPECT_EQ(
      error_of(element("{ tp: 4, conc-start: '4', conc-end: '8' }")),
      "f.yaml:13: conc-start 4 and conc-end 8: a limit in quotes is a text, which cannot be multiplied; write "
      "both without quotes");
  EXPECT_THAT(full_sweep(element("{ tp: 4, conc-start: '4', conc-end: '4' }")).out,
              HasSubstr("\"conc\": \"4\""))
      << "two equal texts are one value";
}

TEST_F(InferenceXCommand, KeysOfEntriesAreCheckedFileByFile) {
  EXPECT_EQ(error_of(changed("solo:", "so*lo:", kOneNode)),
            "f.yaml:1: Wildcard '*' is not allowed in master config keys: 'so*lo'; rename the entry");
  const auto output = run({"full-sweep", "--config-files", put("a.yaml", kOneNode + kManyNodes),
                           put("b.yaml", kOneNode), "--runner-config", put("labels.yaml", kLabels)});
  EXPECT_EQ(with_short_paths(message_of(output, "full-sweep")),
            "Duplicate configuration keys found in 'b.yaml': solo");
}

}  // namespace
}  // namespace sweep::matrix::inferencex
