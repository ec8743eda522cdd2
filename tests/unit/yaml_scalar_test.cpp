// controller/yaml/scalar: which values YAML 1.1 scalars have in PyYAML.
#include <gtest/gtest.h>

#include <limits>

#include "controller/yaml/scalar.hpp"

namespace sweep::yaml {
namespace {

struct Case {
  const char* text;
  std::int64_t value;
};

TEST(Scalar, ReadsIntegersInEveryBaseOfYaml11) {
  for (const auto& [text, value] : std::initializer_list<Case>{{"0", 0},
                                                               {"1024", 1024},
                                                               {"-4", -4},
                                                               {"+4", 4},
                                                               {"1_024", 1024},
                                                               {"1__0_", 10},
                                                               {"0x400", 1024},
                                                               {"0xFf_", 255},
                                                               {"-0x10", -16},
                                                               {"010", 8},
                                                               {"00", 0},
                                                               {"0_7", 7},
                                                               {"0b101", 5},
                                                               {"1:30", 90},
                                                               {"190:20:30", 685230},
                                                               {"1:5", 65}}) {
    const Scalar scalar = read_plain_scalar(text);
    EXPECT_EQ(scalar.kind, Kind::Int) << text;
    EXPECT_EQ(scalar.integer, value) << text;
    EXPECT_FALSE(scalar.huge) << text;
  }
}

TEST(Scalar, IntegerBeyond64BitsIsMarkedHuge) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_FALSE(read_plain_scalar("9223372036854775807").huge);
  for (const char* text : {"9223372036854775808", "0xffffffffffffffff", "99999999999999999999999"}) {
    EXPECT_TRUE(read_plain_scalar(text).huge) << text;
    EXPECT_EQ(read_plain_scalar(text).integer, kMost) << text;
  }
  EXPECT_EQ(read_plain_scalar("-99999999999999999999").integer, -kMost);
}

TEST(Scalar, ReadsEverySpellingOfBooleans) {
  for (const char* text : {"yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"}) {
    EXPECT_EQ(read_plain_scalar(text).kind, Kind::Bool) << text;
    EXPECT_TRUE(read_plain_scalar(text).truth) << text;
  }
  for (const char* text : {"no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"}) {
    EXPECT_EQ(read_plain_scalar(text).kind, Kind::Bool) << text;
    EXPECT_FALSE(read_plain_scalar(text).truth) << text;
  }
}

TEST(Scalar, SpellingDeterminesTheKind) {
  const auto all = [](Kind kind, std::initializer_list<const char*> texts) {
    for (const char* text : texts) {
      EXPECT_EQ(read_plain_scalar(text).kind, kind) << "'" << text << "'";
    }
  };
  all(Kind::Null, {"", "~", "null", "Null", "NULL"});
  all(Kind::Float, {"1.5", "1.", ".5", "-1.5", "1_0.5", "1.0e+3", ".5e-3", ".inf", "-.Inf", "+.INF", ".nan",
                    ".NaN", "1:30.5"});
  all(Kind::Date, {"2025-11-01"});
  all(Kind::DateTime, {"2025-1-1 10:00:00", "2025-11-01T10:00:00Z", "2001-12-14t21:59:43.10-05:00",
                       "2001-12-14 21:59:43.1 -5"});
  // Text that almost matches another kind, and numbers of YAML 1.2 only.
  all(Kind::Text, {"yEs", "y",     "N",    "nULL", "1e3",      "1.0e3",         "-.5",       "08", "0o17",
                   "0x",  "0b2",   "1:60", "1:5:", "2025-1-1", "2025-11-01T10", "v0.5.3rc1", "-",  "+",
                   ".",   "1,024", "4 ",   "_1",   "fp8"});
}

TEST(Scalar, TagDeterminesTheKindAndInvalidTextIsRejected) {
  const auto kind = [](const char* tag, const char* text) {
    const auto scalar = read_tagged_scalar(std::string("tag:yaml.org,2002:") + tag, text);
    return scalar ? std::string(python_type(scalar->kind)) : scalar.error().message;
  };
  EXPECT_EQ(kind("str", "10"), "str");
  EXPECT_EQ(kind("int", "010"), "int");
  EXPECT_EQ(kind("bool", "on"), "bool");
  EXPECT_EQ(kind("float", "1"), "float");
  EXPECT_EQ(kind("null", "x"), "NoneType");
  EXPECT_EQ(kind("binary", "eA=="), "bytes");
  EXPECT_EQ(kind("timestamp", "2025-11-01"), "date");
  EXPECT_EQ(kind("int", "four"), "'four' is not a valid !!int");
  EXPECT_EQ(kind("bool", "1"), "'1' is not a valid !!bool");
  EXPECT_FALSE(read_tagged_scalar("!env", "HOME"));
  EXPECT_FALSE(read_tagged_scalar("tag:yaml.org,2002:python/object", "x"));
}

}  // namespace
}  // namespace sweep::yaml
