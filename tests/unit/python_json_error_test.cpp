// controller/python/json_error: faults in the words of Python's json module.
#include <gtest/gtest.h>

#include <string>

#include "controller/python/json_error.hpp"

namespace sweep::python {
namespace {

std::string fault(const std::string& text) {
  return json_error(text).value_or("none");
}

TEST(PythonJsonError, ValidTextHasNone) {
  for (const char* text : {"1", "-0.5e+3", " [1, {\"a\": [null, true]}, \"\\u00e9\\n\"] \n", "{}", "[]",
                           "NaN", "-Infinity", "{\"a\": {\"b\": {}}, \"c\": [[]]}"})
    EXPECT_EQ(fault(text), "none") << text;
}

TEST(PythonJsonError, ValuesAndDelimiters) {
  EXPECT_EQ(fault(""), "Expecting value: line 1 column 1 (char 0)");
  EXPECT_EQ(fault("nul"), "Expecting value: line 1 column 1 (char 0)");
  EXPECT_EQ(fault("[1, "), "Expecting value: line 1 column 5 (char 4)");
  EXPECT_EQ(fault("[-]"), "Expecting value: line 1 column 2 (char 1)");
  EXPECT_EQ(fault("{\"a\":\n}"), "Expecting value: line 2 column 1 (char 6)");
  EXPECT_EQ(fault("[1 2]"), "Expecting ',' delimiter: line 1 column 4 (char 3)");
  EXPECT_EQ(fault("[01]"), "Expecting ',' delimiter: line 1 column 3 (char 2)");
  EXPECT_EQ(fault("{\"a\" 1}"), "Expecting ':' delimiter: line 1 column 6 (char 5)");
  EXPECT_EQ(fault("{\"a\": 1"), "Expecting ',' delimiter: line 1 column 8 (char 7)");
  EXPECT_EQ(fault("{a}"), "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
  EXPECT_EQ(fault("{"), "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)");
  EXPECT_EQ(fault("{} x"), "Extra data: line 1 column 4 (char 3)");
  EXPECT_EQ(fault("1.x"), "Extra data: line 1 column 2 (char 1)");
}

TEST(PythonJsonError, TrailingCommas) {
  EXPECT_EQ(fault("[1, ]"), "Illegal trailing comma before end of array: line 1 column 3 (char 2)");
  EXPECT_EQ(fault("{\"a\": 1,}"), "Illegal trailing comma before end of object: line 1 column 8 (char 7)");
}

TEST(PythonJsonError, Texts) {
  EXPECT_EQ(fault("[\"a"), "Unterminated string starting at: line 1 column 2 (char 1)");
  EXPECT_EQ(fault("\"a\\"), "Unterminated string starting at: line 1 column 1 (char 0)");
  EXPECT_EQ(fault("\"a\nb\""), "Invalid control character at: line 1 column 3 (char 2)");
  EXPECT_EQ(fault("\"\\q\""), "Invalid \\escape: line 1 column 2 (char 1)");
  EXPECT_EQ(fault("\"\\u12g4\""), "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
  EXPECT_EQ(fault("\"\\u12"), "Invalid \\uXXXX escape: line 1 column 3 (char 2)");
}

TEST(PythonJsonError, ColumnsCountCharacters) {
  EXPECT_EQ(fault("[\"é\" 1]"), "Expecting ',' delimiter: line 1 column 6 (char 5)");
  EXPECT_EQ(fault("\xef\xbb\xbf{}"),
            "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)");
}

TEST(PythonJsonError, DeepNestingEnds) {
  EXPECT_NE(fault(std::string(100'000, '[')), "none");
}

}  // namespace
}  // namespace sweep::python
