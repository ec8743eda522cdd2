// controller/python/json_read and json_text: JSON as Python's json module reads and writes it, and the
// limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "controller/python/json_read.hpp"
#include "controller/python/json_text.hpp"
#include "util/json.hpp"

namespace sweep::python {
namespace {

using testing::HasSubstr;
using Json = nlohmann::ordered_json;

Json read(const std::string& bytes, ReadDepth depth = ReadDepth::All) {
  const auto value = read_json(bytes, depth);
  EXPECT_TRUE(value) << value.error().message;
  return value.value_or(Json());
}

std::string problem(const std::string& bytes) {
  const auto value = read_json(bytes);
  return value ? "" : value.error().message;
}

TEST(JsonText, KeepsOrderAndKinds) {
  const std::string text =
      R"({"b": [1, -2, 18446744073709551615, 2.5, null, true, false], "a": {"x": "\u00e9"}})";
  EXPECT_EQ(json_text(read(text), -1), text);
  EXPECT_EQ(read("1.0").type(), Json::value_t::number_float);
  EXPECT_EQ(read("1").type(), Json::value_t::number_unsigned);
}

TEST(JsonText, DuplicateKeyKeepsFirstPositionAndLastValue) {
  EXPECT_EQ(read(R"({"a": 1, "b": 2, "a": 3})").dump(), R"({"a":3,"b":2})");
}

TEST(JsonText, ReadsPythonsSpecialNumbers) {
  const std::string text =
      R"({"a": NaN, "n": null, "b": [Infinity, -Infinity, -1], "NaN": "Infinity \" NaN", "m": null})";
  const Json value = read(text);
  EXPECT_TRUE(std::isnan(value["a"].get<double>()));
  EXPECT_TRUE(value["n"].is_null());
  EXPECT_EQ(json_text(value, -1), text);
  EXPECT_EQ(json_text(read("NaN"), -1), "NaN");
  EXPECT_NE(problem("Nan"), "");
  EXPECT_NE(problem("NaNull"), "");
  EXPECT_NE(problem("[nul]"), "");
  EXPECT_NE(problem("+Infinity"), "");
}

TEST(JsonText, UnpairedSurrogateBecomesReplacementCharacter) {
  EXPECT_EQ(json_text(read(R"({"\udc00": ["\ud83dx", "\ud83d\u0041", "\udE00\uD83d", NaN]})"), -1),
            R"({"\ufffd": ["\ufffdx", "\ufffdA", "\ufffd\ufffd", NaN]})");
  const std::string pairs = R"(["\ud83d\ude00", "\\ud83d", "\\\ud83d\ude00", "\u00e9"])";
  EXPECT_EQ(json_text(read(pairs), -1), pairs);
  for (const char* text : {R"(["\ud83)", R"(["\ud83d)", R"(["\ud83d\)", R"(["\ud83g"])", R"(\ud83d)"}) {
    EXPECT_NE(problem(text), "") << text;
  }
}

TEST(JsonText, TopLevelChecksInnerValuesButReturnsThemEmpty) {
  EXPECT_EQ(read(R"({"a": [1, [2]], "b": {"c": NaN}, "d": 3, "e": null})", ReadDepth::TopLevel).dump(),
            R"({"a":[],"b":{},"d":3,"e":null})");
  EXPECT_FALSE(read_json(R"({"a": [1, }]})", ReadDepth::TopLevel));
  EXPECT_EQ(read("[1, [2]]", ReadDepth::TopLevel).dump(), "[1,[]]");
}

TEST(JsonText, ErrorNamesLineAndColumn) {
  EXPECT_THAT(problem("{\"a\": 1,\n  b}"), HasSubstr("line 2, column 3"));
  EXPECT_THAT(problem(""), HasSubstr("line 1, column 1"));
  EXPECT_NE(problem("{} {}"), "");
  EXPECT_NE(problem("{'a': 1}"), "");
  EXPECT_NE(problem("\"\xff\""), "");
  EXPECT_EQ(problem("\"\xff\x1b[2J\"").find('\x1b'), std::string::npos);
}

TEST(JsonText, RejectsDeepNestingAndTooManyKeys) {
  std::string deep(kMaxJsonDepth + 1, '[');
  EXPECT_THAT(problem(deep), HasSubstr("nested more than 64 levels deep"));
  EXPECT_THAT(problem(std::string(1'000'000, '[')), HasSubstr("nested more than 64 levels deep"));
  EXPECT_THAT(read_json("{\"a\":" + deep, ReadDepth::TopLevel).error().message,
              HasSubstr("nested more than 64"));
  std::string wide = "{";
  for (std::size_t i = 0; i <= kMaxJsonKeys; ++i)
    wide += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":0";
  EXPECT_THAT(problem(wide + "}"), HasSubstr("an object has more than 10000 keys"));
}

TEST(JsonText, DamagedTextGivesAValueOrAMessage) {
  const std::string text =
      R"({"a": [1, -2.5e3, NaN, "\u00e9\ud83d\ude00"], "b": {"c": null}, "d": -Infinity} )";
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_EQ(read_json(text.substr(0, length)).has_value(), length == text.size() - 1) << length;
    for (const char c : {'\0', '\xff', '"', 'N', '\\', '{', 'n'}) {
      std::string flipped = text;
      flipped[length] = c;
      read_json(flipped);
      read_json(flipped, ReadDepth::TopLevel);
    }
  }
}

TEST(JsonText, WritesAsJsonDumpsDoes) {
  EXPECT_EQ(json_text(Json::parse(R"({"a": [], "b": {}, "c": [1, {"d": 2.0}]})"), 2),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": 2.0\n    }\n  ]\n}");
  EXPECT_EQ(json_text(Json::parse(R"({"a": [], "c": [1, {"d": 2}]})"), -1),
            R"({"a": [], "c": [1, {"d": 2}]})");
  EXPECT_EQ(json_text("\"\\/\n\r\t\f\b\x01\x7f é\xf0\x9f\x98\x80", -1),
            R"("\"\\/\n\r\t\f\b\u0001\u007f \u00e9\ud83d\ude00")");
  EXPECT_EQ(json_text("a\xff\xc3", -1), R"("a\ufffd\ufffd")");
}

TEST(ReadJson, DuplicateKeyOfALargeObjectKeepsItsPosition) {
  std::string text = "{";
  for (int i = 0; i < 3000; ++i)
    text += "\"k" + std::to_string(i) + "\": " + std::to_string(i) + ", ";
  text += "\"k2\": \"two\", \"k2999\": \"last\"}";
  const auto json = read_json(text);
  ASSERT_TRUE(json) << json.error().message;
  EXPECT_EQ(json->size(), 3000u);
  EXPECT_EQ((*json)["k2"], "two");
  EXPECT_EQ(json->begin().key(), "k0");
  EXPECT_EQ(std::prev(json->end()).key(), "k2999");
  EXPECT_EQ(std::prev(json->end()).value(), "last");
}

}  // namespace
}  // namespace sweep::python
