// controller/matrix/inferencemax/master: the checks of section 1 of the contract, in their order and with their messages.
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

TEST(Validation, ReadsValidEntry) {
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

// Each step corrects the previous error and expects the next one, which tests their order.
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
    EXPECT_EQ(error_in(before), with_key("Missing required field '" + field + "'"));
    EXPECT_EQ(error_in(yaml + "  " + field + ": ~\n"), with_key("Missing required field '" + field + "'"));
    EXPECT_EQ(error_in(yaml + "  " + field + ": 7\n"),
              with_key("Field '" + field + "' must be str") + ", got int");
    yaml += "  " + field + ": " + value + "\n";
  }
  EXPECT_EQ(error_in(yaml), with_key("Missing required field 'seq-len-configs'"));
  EXPECT_EQ(error_in(yaml + "  seq-len-configs: x\n"),
            with_key("Field 'seq-len-configs' must be list") + ", got str");
  EXPECT_EQ(error_in(yaml + "  seq-len-configs: []\n"),
            with_key("'seq-len-configs' must be a non-empty list"));
  yaml +=
      "  seq-len-configs:\n  - {isl: 1, osl: 1, search-space: [{tp: 1, conc-start: 1, conc-end: 1}]}\n  - ";
  const std::string in_block = " in seq-len-config[1] " + std::string(kKey);
  EXPECT_EQ(error_in(yaml + "{}"), "Missing 'isl'" + in_block);
  EXPECT_EQ(error_in(yaml + "{isl: x}"), "'isl' must be int" + in_block);
  EXPECT_EQ(error_in(yaml + "{isl: 1}"), "Missing 'osl'" + in_block);
  EXPECT_EQ(error_in(yaml + "{isl: 1, osl: 1.5}"), "'osl' must be int" + in_block);
  EXPECT_EQ(error_in(yaml + "3"), "Missing 'isl'" + in_block);
  for (const char* bad :
       {"", ", search-space: ~", ", search-space: []", ", search-space: 3", ", search-space: {}"}) {
    EXPECT_EQ(error_in(yaml + "{isl: 1, osl: 1" + bad + "}"), "Missing or invalid 'search-space'" + in_block);
  }
}

TEST(Validation, ChecksElementsFieldByField) {
  const std::string place = " in search-space[1] of seq-len-config[0] " + std::string(kKey);
  const auto error_of = [](const std::string& element) {
    return error_in(changed("{ tp: 8, conc-start: 8, conc-end: 8, ep: 2, dp-attn: true }", element));
  };
  EXPECT_EQ(error_of("{ tp: x, b: 1, a: 2 }"), "Extra fields {'a', 'b'}" + place) << "checked first";
  EXPECT_EQ(error_of("{ 7: 1 }"), "Extra fields {7}" + place);
  EXPECT_EQ(error_of("{ ep: x }"), "Missing 'tp'" + place);
  EXPECT_EQ(error_of("{ tp: '8', ep: x }"), "'tp' must be int" + place);
  EXPECT_EQ(error_of("{ tp: 8, dp-attn: 1 }"), "Missing 'conc-start'" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4.0 }"), "'conc-start' must be int" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4, conc-end: ~ }"), "Missing 'conc-end'" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4, conc-end: [8] }"), "'conc-end' must be int" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4, conc-end: 8, ep: x, dp-attn: x }"), "'ep' must be int" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4, conc-end: 8, ep: 1, dp-attn: 1 }"),
            "'dp-attn' must be bool" + place);
  EXPECT_EQ(error_of("{ tp: 8, conc-start: 4, conc-end: 8, ep: ~, dp-attn: ~ }"), "");
  EXPECT_THAT(error_of("x"), StartsWith("Missing 'tp'" + place));
}

TEST(Validation, ErrorNamesPythonsType) {
  for (const auto& [value, type] :
       std::initializer_list<std::pair<std::string, std::string>>{{"70", "int"},
                                                                  {"1.5", "float"},
                                                                  {"on", "bool"},
                                                                  {"2025-11-01", "date"},
                                                                  {"[a]", "list"},
                                                                  {"{a: b}", "dict"}}) {
    EXPECT_EQ(error_in(changed("precision: fp8", "precision: " + value)),
              with_key("Field 'precision' must be str") + ", got " + type);
  }
}

TEST(Validation, BoolIsAcceptedAsInt) {
  EXPECT_EQ(error_in(changed("  - isl: 1024", "  - isl: yes")), "");
}

TEST(Validation, AcceptsWhatTheContractDoesNotCheck) {
  EXPECT_EQ(error_in(changed("  runner: h100", "  runner: nowhere\n  colour: blue")), "");
  EXPECT_EQ(error_in(changed("tp: 4, conc-start: 4, conc-end: 16", "tp: -4, conc-start: 16, conc-end: 4")),
            "");
  EXPECT_EQ(error_in(changed("    osl: 512", "    osl: 512\n    note: x")), "");
}

TEST(Validation, RejectsNumbersBeyondTheLimit) {
  const std::string text = error_in(changed("isl: 8192", "isl: 99999999999999999999"));
  EXPECT_THAT(text, StartsWith("'isl' must be between -1000000000000000 and 1000000000000000"));
  EXPECT_THAT(text, testing::EndsWith(", got 99999999999999999999"));
  EXPECT_THAT(error_in(changed("isl: 8192", "isl: -1_000_000_000_000_001")),
              StartsWith("'isl' must be between -1000000000000000 and 1000000000000000"));
  EXPECT_EQ(error_in(changed("isl: 8192", "isl: 1_000_000_000_000_000")), "");
}

TEST(Validation, FirstInvalidEntryIsNamed) {
  const std::string second =
      changed("m-fp8-h100-vllm:", "other:", changed("  image: vllm/vllm-openai:v1\n", ""));
  EXPECT_EQ(error_in(kSample + second), "Missing required field 'image' for key 'other'");
  EXPECT_THAT(error_in("k:\n"), StartsWith("Missing required field 'image' for key 'k'"));
  EXPECT_THAT(error_in("k: text\n"), StartsWith("Missing required field 'image' for key 'k'"));
  EXPECT_THAT(error_in("7: {}\n"), StartsWith("Missing required field 'image' for key '7'"));
}

TEST(Validation, FileMustBeAMapping) {
  for (const char* text : {"", "- a\n", "text\n", "~"}) {
    EXPECT_EQ(error_in(text), "Config file 'f.yaml' must contain a dictionary") << text;
  }
  EXPECT_EQ(error_in("{}"), "");
  EXPECT_THAT(error_in("a: [\n"), StartsWith("Config file 'f.yaml': line "));
}

TEST(Validation, RejectsKeyOfAnEarlierFile) {
  std::vector<RawEntry> entries;
  ASSERT_TRUE(add_entries({"a.yaml", "b: {}\na: {}\nc: {}\n"}, entries));
  ASSERT_TRUE(add_entries({"b.yaml", "d: {}\n"}, entries));
  const auto again = add_entries({"c.yaml", "c: {}\ne: {}\nb: {}\n"}, entries);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "Duplicate configuration keys found in 'c.yaml': b, c");
  EXPECT_EQ(error_in("m: 3\n" + kSample + "m: 4\n").find("Duplicate"), std::string::npos);
}

TEST(Validation, DamagedFileGivesEntriesOrAMessage) {
  for (std::size_t length = 0; length <= kSample.size(); ++length) {
    error_in(kSample.substr(0, length));
    for (const char c : {'\0', '\xff', '{', '"', ':', '\t', '&', '\n'}) {
      if (length == kSample.size()) break;
      std::string flipped = kSample;
      flipped[length] = c;
      error_in(flipped);
    }
  }
}

}  // namespace
}  // namespace sweep::matrix
