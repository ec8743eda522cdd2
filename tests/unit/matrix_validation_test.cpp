// controller/matrix: the checks of the contract, section 1, in their order and with their messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/matrix_samples.hpp"

namespace sweep::matrix {
namespace {

using testing::ElementsAre;
using testing::StartsWith;

constexpr const char* kKey = "for key 'm-fp8-h100-vllm'";

std::string with_key(const std::string& text) {
  return text + " " + kKey;
}

TEST(Validation, ReadsWhatIsRight) {
  const auto configs = configs_of(kSample);
  ASSERT_TRUE(configs) << configs.error().message;
  ASSERT_EQ(configs->size(), 1u);
  const Config& config = configs->front();
  EXPECT_THAT((std::vector{config.key, config.image, config.model, config.model_prefix, config.precision,
                           config.framework, config.runner}),
              ElementsAre("m-fp8-h100-vllm", "vllm/vllm-openai:v1", "org/Model", "m", "fp8", "vllm", "h100"));
  ASSERT_EQ(config.blocks.size(), 2u);
  EXPECT_EQ(config.blocks[1].isl.value, 8192);
  EXPECT_EQ(config.blocks[1].osl.value, 512);
  ASSERT_EQ(config.blocks[0].search_space.size(), 2u);
  const Element& first = config.blocks[0].search_space[0];
  EXPECT_EQ(first.tp.value, 4);
  EXPECT_EQ(first.conc_end.value, 16);
  EXPECT_FALSE(first.ep);
  EXPECT_FALSE(first.dp_attn);
  const Element& second = config.blocks[0].search_space[1];
  EXPECT_EQ(second.ep->value, 2);
  EXPECT_TRUE(second.dp_attn);
}

// Each step repairs what the message before named and finds the next: that is the order.
TEST(Validation, StopsAtTheFirstErrorInTheContractsOrder) {
  std::string yaml = "m-fp8-h100-vllm:\n";
  for (const auto& [field, value] :
       std::initializer_list<std::pair<std::string, std::string>>{{"image", "i"},
                                                                  {"model", "m"},
                                                                  {"model-prefix", "m"},
                                                                  {"precision", "fp8"},
                                                                  {"framework", "vllm"},
                                                                  {"runner", "h100"}}) {
    const std::string before = yaml == "m-fp8-h100-vllm:\n" ? "m-fp8-h100-vllm: {}\n" : yaml;
    EXPECT_EQ(complaint(before), with_key("Missing required field '" + field + "'"));
    EXPECT_EQ(complaint(yaml + "  " + field + ": ~\n"), with_key("Missing required field '" + field + "'"));
    EXPECT_EQ(complaint(yaml + "  " + field + ": 7\n"),
              with_key("Field '" + field + "' must be str") + ", got int");
    yaml += "  " + field + ": " + value + "\n";
  }
  EXPECT_EQ(complaint(yaml), with_key("Missing required field 'seq-len-configs'"));
  EXPECT_EQ(complaint(yaml + "  seq-len-configs: x\n"),
            with_key("Field 'seq-len-configs' must be list") + ", got str");
  EXPECT_EQ(complaint(yaml + "  seq-len-configs: []\n"),
            with_key("'seq-len-configs' must be a non-empty list"));
  yaml +=
      "  seq-len-configs:\n  - {isl: 1, osl: 1, search-space: [{tp: 1, conc-start: 1, conc-end: 1}]}\n  - ";
  const std::string in_block = " in seq-len-config[1] " + std::string(kKey);
  EXPECT_EQ(complaint(yaml + "{}"), "Missing 'isl'" + in_block);
  EXPECT_EQ(complaint(yaml + "{isl: x}"), "'isl' must be int" + in_block);
  EXPECT_EQ(complaint(yaml + "{isl: 1}"), "Missing 'osl'" + in_block);
  EXPECT_EQ(complaint(yaml + "{isl: 1, osl: 1.5}"), "'osl' must be int" + in_block);
  EXPECT_EQ(complaint(yaml + "3"), "Missing 'isl'" + in_block);
  for (const char* bad :
       {"", ", search-space: ~", ", search-space: []", ", search-space: 3", ", search-space: {}"}) {
    EXPECT_EQ(complaint(yaml + "{isl: 1, osl: 1" + bad + "}"),
              "Missing or invalid 'search-space'" + in_block);
  }
}

TEST(Validation, ChecksElementsFieldByField) {
  const std::string where = " in search-space[1] of seq-len-config[0] " + std::string(kKey);
  const auto says = [](const std::string& element) {
    return complaint(changed("{ tp: 8, conc-start: 8, conc-end: 8, ep: 2, dp-attn: true }", element));
  };
  EXPECT_EQ(says("{ tp: x, b: 1, a: 2 }"), "Extra fields {'a', 'b'}" + where) << "before everything else";
  EXPECT_EQ(says("{ 7: 1 }"), "Extra fields {7}" + where);
  EXPECT_EQ(says("{ ep: x }"), "Missing 'tp'" + where);
  EXPECT_EQ(says("{ tp: '8', ep: x }"), "'tp' must be int" + where);
  EXPECT_EQ(says("{ tp: 8, dp-attn: 1 }"), "Missing 'conc-start'" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4.0 }"), "'conc-start' must be int" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4, conc-end: ~ }"), "Missing 'conc-end'" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4, conc-end: [8] }"), "'conc-end' must be int" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4, conc-end: 8, ep: x, dp-attn: x }"), "'ep' must be int" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4, conc-end: 8, ep: 1, dp-attn: 1 }"),
            "'dp-attn' must be bool" + where);
  EXPECT_EQ(says("{ tp: 8, conc-start: 4, conc-end: 8, ep: ~, dp-attn: ~ }"), "");
  EXPECT_THAT(says("x"), StartsWith("Missing 'tp'" + where));
}

TEST(Validation, NamesPythonsTypes) {
  for (const auto& [value, type] :
       std::initializer_list<std::pair<std::string, std::string>>{{"70", "int"},
                                                                  {"1.5", "float"},
                                                                  {"on", "bool"},
                                                                  {"2025-11-01", "date"},
                                                                  {"[a]", "list"},
                                                                  {"{a: b}", "dict"}}) {
    EXPECT_EQ(complaint(changed("precision: fp8", "precision: " + value)),
              with_key("Field 'precision' must be str") + ", got " + type);
  }
}

TEST(Validation, ABoolIsAnIntAsInPython) {
  EXPECT_EQ(complaint(changed("  - isl: 1024", "  - isl: yes")), "");
}

TEST(Validation, WhatItDoesNotCheck) {
  EXPECT_EQ(complaint(changed("  runner: h100", "  runner: nowhere\n  colour: blue")), "");
  EXPECT_EQ(complaint(changed("tp: 4, conc-start: 4, conc-end: 16", "tp: -4, conc-start: 16, conc-end: 4")),
            "");
  EXPECT_EQ(complaint(changed("    osl: 512", "    osl: 512\n    note: x")), "");
}

TEST(Validation, RefusesNumbersThatNothingCanBeComputedFrom) {
  const std::string text = complaint(changed("isl: 8192", "isl: 99999999999999999999"));
  EXPECT_THAT(text, StartsWith("'isl' must lie within "));
  EXPECT_THAT(text, testing::EndsWith(", got 99999999999999999999"));
  EXPECT_THAT(complaint(changed("isl: 8192", "isl: -1_000_000_000_000_001")),
              StartsWith("'isl' must lie within "));
  EXPECT_EQ(complaint(changed("isl: 8192", "isl: 1_000_000_000_000_000")), "");
}

TEST(Validation, EveryEntryIsCheckedAndTheFirstBadOneNamed) {
  const std::string second =
      changed("m-fp8-h100-vllm:", "other:", changed("  image: vllm/vllm-openai:v1\n", ""));
  EXPECT_EQ(complaint(kSample + second), "Missing required field 'image' for key 'other'");
  EXPECT_THAT(complaint("k:\n"), StartsWith("Missing required field 'image' for key 'k'"));
  EXPECT_THAT(complaint("k: text\n"), StartsWith("Missing required field 'image' for key 'k'"));
  EXPECT_THAT(complaint("7: {}\n"), StartsWith("Missing required field 'image' for key '7'"));
}

TEST(Validation, AFileMustBeAMapping) {
  for (const char* text : {"", "- a\n", "text\n", "~"}) {
    EXPECT_EQ(complaint(text), "Config file 'f.yaml' must contain a dictionary") << text;
  }
  EXPECT_EQ(complaint("{}"), "");
  EXPECT_THAT(complaint("a: [\n"), StartsWith("Config file 'f.yaml': line "));
}

TEST(Validation, AKeyOfAnEarlierFileIsRefusedAndOneOfTheSameFileReplaced) {
  std::vector<RawEntry> entries;
  ASSERT_TRUE(add_entries({"a.yaml", "b: {}\na: {}\nc: {}\n"}, entries));
  ASSERT_TRUE(add_entries({"b.yaml", "d: {}\n"}, entries));
  const auto again = add_entries({"c.yaml", "c: {}\ne: {}\nb: {}\n"}, entries);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "Duplicate configuration keys found in 'c.yaml': b, c");
  EXPECT_EQ(complaint("m: 3\n" + kSample + "m: 4\n").find("Duplicate"), std::string::npos);
}

TEST(Validation, EveryTruncationAndEveryFlippedByteEndsInEntriesOrAMessage) {
  for (std::size_t length = 0; length <= kSample.size(); ++length) {
    complaint(kSample.substr(0, length));
    for (const char c : {'\0', '\xff', '{', '"', ':', '\t', '&', '\n'}) {
      if (length == kSample.size()) break;
      std::string flipped = kSample;
      flipped[length] = c;
      complaint(flipped);
    }
  }
}

}  // namespace
}  // namespace sweep::matrix
