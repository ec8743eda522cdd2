// controller/python/math: sums and rounding with the digits of Python.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "controller/python/math.hpp"

namespace sweep::python {
namespace {

TEST(PythonSum, KeepsLostDigits) {
  EXPECT_EQ(sum(std::vector<double>{1e16, 1, 1, -1e16}), 2);
  EXPECT_EQ(sum(std::vector<double>(10, 0.1)), 1.0);
  EXPECT_EQ(sum(std::vector<double>{}), 0);
  EXPECT_TRUE(std::isinf(sum(std::vector<double>{1e308, 1e308})));
}

TEST(PythonRound, IsNearestToTheExactValue) {
  EXPECT_EQ(round(0.5, 0), 0);       // a tie goes to the even digit
  EXPECT_EQ(round(2.675, 2), 2.67);  // the double is below 2.675
  EXPECT_EQ(round(1.0005, 3), 1.0);
  EXPECT_EQ(round(-1234.56789, 3), -1234.568);
  EXPECT_EQ(round(1e300, 5), 1e300);
  EXPECT_TRUE(std::isnan(round(std::numeric_limits<double>::quiet_NaN(), 3)));
}

}  // namespace
}  // namespace sweep::python
