// controller/python/text: the formatting of Python's repr().
#include <gtest/gtest.h>

#include "controller/python/text.hpp"

namespace sweep::python {
namespace {

TEST(PythonText, FormatsStringsAsReprDoes) {
  EXPECT_EQ(repr("dsr1"), "'dsr1'");
  EXPECT_EQ(repr(""), "''");
  EXPECT_EQ(repr("it's"), "\"it's\"");
  EXPECT_EQ(repr("\"it's\""), R"('"it\'s"')");
  EXPECT_EQ(repr("a\n\t\r\\"), R"('a\n\t\r\\')");
  EXPECT_EQ(repr("\x1b[2J"), R"('\x1b[2J')");
  EXPECT_EQ(repr("café"), "'café'");
  EXPECT_EQ(repr("\xff"), R"('\xff')");
  EXPECT_EQ(repr("tp\xc2\xa0"), R"('tp\xa0')") << "a no-break space is escaped";
  EXPECT_EQ(repr("\xc2\x80|\xc2\x9f|\xc2\xad|\xc2\xa1"), "'\\x80|\\x9f|\\xad|\xc2\xa1'");
  EXPECT_EQ(repr("\xef\xbb\xbf|\xe2\x80\x8b|\xe3\x80\x80"), R"('\ufeff|\u200b|\u3000')");
  EXPECT_EQ(repr("\xf0\x9f\x98\x80|\xf3\xa0\x80\x81"), "'\xf0\x9f\x98\x80|\\U000e0001'");
}

TEST(PythonText, FormatsListsAndSets) {
  const std::vector<std::string> texts = {"b", "a"};
  EXPECT_EQ(list(texts), "['b', 'a']");
  EXPECT_EQ(list({}), "[]");
  EXPECT_EQ(set({"'b'", "'a'", "'b'"}), "{'a', 'b'}");
}

}  // namespace
}  // namespace sweep::python
