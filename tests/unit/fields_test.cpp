// util/fields: fields of JSON objects from files and peers.
#include "util/fields.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "util/json.hpp"

namespace sweep {
namespace {

using nlohmann::json;
using testing::ElementsAre;

TEST(Fields, ReadsEveryKindOfField) {
  const json body = {{"text", "abc"},       {"low", -3},         {"high", 9},
                     {"real", 1.5},         {"flag", true},      {"empty", ""},
                     {"names", {"a", "b"}}, {"numbers", {1, 2}}, {"nothing", nullptr}};
  Fields in(body, "thing");
  EXPECT_EQ(in.text("text", 3), "abc");
  EXPECT_EQ(in.text("empty", 0), "");
  EXPECT_EQ(in.integer("low", -3, 9), -3);
  EXPECT_EQ(in.integer("high", -3, 9), 9);
  EXPECT_EQ(in.number("real"), 1.5);
  EXPECT_EQ(in.number("high"), 9.0);
  EXPECT_TRUE(in.flag("flag"));
  EXPECT_THAT(in.texts("names", 2, 1), ElementsAre("a", "b"));
  EXPECT_THAT(in.integers("numbers", 2, 1, 2), ElementsAre(1, 2));
  EXPECT_EQ(&in.child("names"), &body["names"]);
  EXPECT_EQ(in.maybe_text("text", 3), "abc");
  EXPECT_EQ(in.maybe_text("nothing", 3), std::nullopt);
  EXPECT_EQ(in.maybe_integer("absent", 0, 9), std::nullopt);
  EXPECT_EQ(in.maybe_integer("high", 0, 9), 9);
  EXPECT_TRUE(in.has("text"));
  EXPECT_FALSE(in.has("nothing"));
  EXPECT_FALSE(in.error()) << *in.error();
}

// Returns the error after read() has read `body`; empty if there is none.
template <class Read>
std::string complaint(const json& body, Read read) {
  Fields in(body, "thing");
  read(in);
  return in.error().value_or("");
}

TEST(Fields, ErrorNamesTheFieldAndItsType) {
  const json body = {{"s", "four"}, {"n", 5}, {"b", 1}, {"l", {"ok", 3}}, {"nan", NAN}, {"null", nullptr}};
  const auto says = [&](auto read) { return complaint(body, read); };
  EXPECT_EQ(says([](Fields& in) { in.text("x", 9); }), "thing: 'x' is missing");
  EXPECT_EQ(says([](Fields& in) { in.text("s", 3); }), "thing: 's' must be a string of at most 3 bytes");
  EXPECT_EQ(says([](Fields& in) { in.text("null", 3); }),
            "thing: 'null' must be a string of at most 3 bytes");
  EXPECT_EQ(says([](Fields& in) { in.integer("n", 6, 9); }), "thing: 'n' must be an integer from 6 to 9");
  EXPECT_EQ(says([](Fields& in) { in.integer("n", -9, -1); }), "thing: 'n' must be an integer from -9 to -1");
  EXPECT_EQ(says([](Fields& in) { in.integer("s", 0, 9); }), "thing: 's' must be an integer from 0 to 9");
  EXPECT_EQ(says([](Fields& in) { in.number("nan"); }), "thing: 'nan' must be a finite number");
  EXPECT_EQ(says([](Fields& in) { in.flag("b"); }), "thing: 'b' must be true or false");
  EXPECT_EQ(says([](Fields& in) { in.texts("l", 2, 9); }),
            "thing: 'l' must be a list of at most 2 short strings");
  EXPECT_EQ(says([](Fields& in) { in.integers("l", 2, 0, 9); }), "thing: 'l' must be a list of integers");
  EXPECT_EQ(says([](Fields& in) { in.child("x"); }), "thing: 'x' is missing");
  EXPECT_EQ(says([](Fields& in) { in.maybe_text("n", 9); }),
            "thing: 'n' must be a string of at most 9 bytes");
  EXPECT_EQ(says([](Fields& in) { in.maybe_integer("n", 0, 4); }),
            "thing: 'n' must be an integer from 0 to 4");
}

TEST(Fields, IntegersDoNotWrap) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  const json body = {{"huge", ~std::uint64_t{0}}, {"max", kMax}, {"min", kMin}};
  EXPECT_NE(complaint(body, [](Fields& in) { in.integer("huge", kMin, kMax); }), "");
  EXPECT_EQ(complaint(body, [&](Fields& in) { EXPECT_EQ(in.integer("max", kMin, kMax), kMax); }), "");
  EXPECT_EQ(complaint(body, [&](Fields& in) { EXPECT_EQ(in.integer("min", kMin, kMax), kMin); }), "");
}

TEST(Fields, AfterTheFirstErrorAllValuesAreEmpty) {
  const json body = {{"text", "abc"}, {"number", 5}, {"list", {"a"}}};
  Fields in(body, "thing");
  in.flag("text");
  EXPECT_EQ(in.text("text", 9), "");
  EXPECT_EQ(in.integer("number", 1, 9), 0);
  EXPECT_TRUE(in.texts("list", 9, 9).empty());
  EXPECT_TRUE(in.child("list").is_null());
  EXPECT_EQ(in.maybe_text("text", 9), std::nullopt);
  in.complain("something later");
  EXPECT_EQ(in.error(), "thing: 'text' must be true or false");
}

TEST(Fields, AnythingButAnObjectIsAnError) {
  for (const json& body : {json(nullptr), json(3), json("text"), json::array({1})}) {
    Fields in(body, "thing");
    EXPECT_EQ(in.text("text", 9), "");
    EXPECT_FALSE(in.has("text"));
    EXPECT_EQ(in.error(), "thing must be an object");
  }
}

}  // namespace
}  // namespace sweep
