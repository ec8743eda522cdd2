// controller/matrix/python_text: the formatting of Python's repr().
#include <gtest/gtest.h>

#include "controller/matrix/python_text.hpp"

namespace sweep::matrix {
namespace {

TEST(PythonText, FormatsStringsAsReprDoes) {
  EXPECT_EQ(python_repr("dsr1"), "'dsr1'");
  EXPECT_EQ(python_repr(""), "''");
  EXPECT_EQ(python_repr("it's"), "\"it's\"");
  EXPECT_EQ(python_repr("\"it's\""), R"('"it\'s"')");
  EXPECT_EQ(python_repr("a\n\t\r\\"), R"('a\n\t\r\\')");
  EXPECT_EQ(python_repr("\x1b[2J"), R"('\x1b[2J')");
  EXPECT_EQ(python_repr("café"), "'café'");
  EXPECT_EQ(python_repr("\xff"), R"('\xff')");
  EXPECT_EQ(python_repr("tp\xc2\xa0"), R"('tp\xa0')") << "a no-break space is escaped";
  EXPECT_EQ(python_repr("\xc2\x80|\xc2\x9f|\xc2\xad|\xc2\xa1"), "'\\x80|\\x9f|\\xad|\xc2\xa1'");
  EXPECT_EQ(python_repr("\xef\xbb\xbf|\xe2\x80\x8b|\xe3\x80\x80"), R"('\ufeff|\u200b|\u3000')");
  EXPECT_EQ(python_repr("\xf0\x9f\x98\x80|\xf3\xa0\x80\x81"), "'\xf0\x9f\x98\x80|\\U000e0001'");
}

TEST(PythonText, FormatsListsAndSets) {
  const std::vector<std::string> texts = {"b", "a"};
  EXPECT_EQ(python_list(texts), "['b', 'a']");
  EXPECT_EQ(python_list({}), "[]");
  EXPECT_EQ(python_set({"'b'", "'a'", "'b'"}), "{'a', 'b'}");
}

}  // namespace
}  // namespace sweep::matrix
