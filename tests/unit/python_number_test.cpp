// controller/python/number: numbers as Python reads and formats them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "controller/python/number.hpp"

namespace sweep::python {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TEST(PythonNumber, ReprHasTheShortestDigitsAndAPoint) {
  for (const auto& [value, text] : std::initializer_list<std::pair<double, const char*>>{
           {4, "4.0"},
           {0, "0.0"},
           {-0.0, "-0.0"},
           {0.1, "0.1"},
           {-2.5, "-2.5"},
           {100, "100.0"},
           {1.0 / 3, "0.3333333333333333"},
           {0.1 + 0.2, "0.30000000000000004"},
           {767.9851779674017, "767.9851779674017"},
           {0.0001, "0.0001"},
           {0.00001, "1e-05"},
           {0.000123, "0.000123"},
           {1.5e-7, "1.5e-07"},
           {123456789012345680, "1.2345678901234568e+17"},
           {9999999999999998, "9999999999999998.0"},
           {1e15, "1000000000000000.0"},
           {1e16, "1e+16"},
           {1e22, "1e+22"},
           {1e100, "1e+100"},
           {5e-324, "5e-324"},
           {1.7976931348623157e308, "1.7976931348623157e+308"},
           {kInfinity, "inf"},
           {-kInfinity, "-inf"},
           {std::nan(""), "nan"}}) {
    EXPECT_EQ(repr(value), text);
  }
}

TEST(PythonNumber, FormatsFourDecimals) {
  EXPECT_EQ(four_decimals(93.86049), "93.8605");
  EXPECT_EQ(four_decimals(0), "0.0000");
  EXPECT_EQ(four_decimals(-1.00004), "-1.0000");
  EXPECT_EQ(four_decimals(1e20), "100000000000000000000.0000");
  EXPECT_EQ(four_decimals(kInfinity), "inf");
  EXPECT_EQ(four_decimals(1.7976931348623157e308).size(), 309u + 5);
}

TEST(PythonNumber, ReadsIntegersAsInt) {
  for (const auto& [text, value] :
       std::initializer_list<std::pair<const char*, std::int64_t>>{{"8", 8},
                                                                   {" 08 ", 8},
                                                                   {"\t+8\n", 8},
                                                                   {"-3", -3},
                                                                   {"1_000", 1000},
                                                                   {"9223372036854775807", INT64_MAX}}) {
    EXPECT_EQ(parse_int(text), value) << text;
  }
  for (const char* text :
       {"", " ", "8.0", "8x", "0x8", "1__0", "_1", "1_", "+-8", "++8", "- 8", "9223372036854775808"}) {
    EXPECT_EQ(parse_int(text), std::nullopt) << text;
  }
}

TEST(PythonNumber, ReadsFloatsAsFloat) {
  for (const auto& [text, value] :
       std::initializer_list<std::pair<const char*, double>>{{"8", 8},
                                                             {" 1.5 ", 1.5},
                                                             {"+.5", 0.5},
                                                             {"5.", 5},
                                                             {"1_0.2_5", 10.25},
                                                             {"1e3", 1000},
                                                             {"-1E-2", -0.01},
                                                             {"inf", kInfinity},
                                                             {"-Infinity", -kInfinity},
                                                             {"1e999", kInfinity},
                                                             {"-1e999", -kInfinity},
                                                             {"1e-999", 0}}) {
    EXPECT_EQ(parse_float(text), value) << text;
  }
  EXPECT_TRUE(std::isnan(parse_float("NaN").value()));
  for (const char* text : {"", "e3", "1e", "1.5.", "nan(1)", "0x1p3", "1,5", "--1", "1 2"}) {
    EXPECT_EQ(parse_float(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace sweep::python
