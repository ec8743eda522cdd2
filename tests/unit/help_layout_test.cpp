// util/help_layout: the layout of --help.
#include "util/help_layout.hpp"

#include <gtest/gtest.h>

#include "util/text.hpp"

namespace sweep {
namespace {

TEST(HelpLayout, FillsParagraphsAndKeepsIndentedLines) {
  const std::string words = "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii jjjj kkkk llll mmmm nnnn oooo ";
  EXPECT_EQ(filled(words + "pppp qqqq"), words + "pppp\nqqqq\n") << "79 characters fit";
  EXPECT_EQ(filled(words + "ppppp qqqq"), words.substr(0, 74) + "\nppppp qqqq\n") << "80 do not";
  EXPECT_EQ(filled("one\ntwo\n\nthree\n"), "one two\n\nthree\n");
  EXPECT_EQ(filled("Files:\n  a  b\n  c\nend"), "Files:\n  a  b\n  c\nend\n");
  EXPECT_EQ(filled("one two", 4), "    one two\n");
  EXPECT_EQ(filled(""), "");
}

TEST(HelpLayout, CountsCharactersAndDoesNotSplitLongWords) {
  std::string umlauts;
  for (int i = 0; i < 79; ++i)
    umlauts += "ä";
  EXPECT_EQ(filled(umlauts + " x"), umlauts + "\nx\n");
  EXPECT_EQ(filled(std::string(100, 'x')), std::string(100, 'x') + "\n");
}

TEST(HelpLayout, MeaningsAreAlignedInOneColumn) {
  EXPECT_EQ(help_entry("  -h, --help", "show it"), "  -h, --help            show it\n");
  EXPECT_EQ(help_entry("  " + std::string(20, 'n'), "m"), "  " + std::string(20, 'n') + "  m\n");
  EXPECT_EQ(help_entry("  " + std::string(21, 'n'), "m"),
            "  " + std::string(21, 'n') + "\n" + std::string(kHelpColumn, ' ') + "m\n")
      << "two blanks at least between them";
  EXPECT_EQ(help_entry("  NAME", ""), "  NAME\n");
  for (const std::string& line : split(help_entry("  NAME", std::string(60, 'x') + " and more words"), '\n'))
    EXPECT_LE(characters(line), kHelpColumn + 60);
}

}  // namespace
}  // namespace sweep
