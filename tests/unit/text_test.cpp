// util/text.
#include "util/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweep {
namespace {

using testing::ElementsAre;

TEST(Text, NearestFindsOnlySimilarWords) {
  const std::vector<std::string> words = {"retries", "timeouts", "container", "env"};
  EXPECT_EQ(nearest("retires", words), "retries");
  EXPECT_EQ(nearest("timeout", words), "timeouts");
  EXPECT_EQ(nearest("evx", words), std::nullopt);  // two edits in three letters
  EXPECT_EQ(nearest("en", words), "env");          // one edit is always allowed
  EXPECT_EQ(nearest("evn", words), "env");         // exchanged neighbours are one edit
  EXPECT_EQ(nearest("workspace", words), std::nullopt);
  EXPECT_EQ(nearest("env", {}), std::nullopt);
  const std::vector<std::string> alike = {"conc-end", "conc-and"};
  EXPECT_EQ(nearest("conc-ent", alike), "conc-end");
}

TEST(Text, SplitAndJoin) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
  EXPECT_THAT(split(",", ','), ElementsAre("", ""));
  const std::vector<std::string> parts = {"a", "", "b"};
  EXPECT_EQ(join(parts, ", "), "a, , b");
  EXPECT_EQ(join({}, ", "), "");
}

TEST(Text, PrintableReplacesControlCharactersAndInvalidUtf8) {
  EXPECT_EQ(printable("plain, größe, 漢字, 🙂"), "plain, größe, 漢字, 🙂");
  EXPECT_EQ(printable("\x1b[31mred\n\t\x7f"), "?[31mred\\n\\t?");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "?31m");                             // U+009B, an escape to some terminals
  EXPECT_EQ(printable("\xc2\xa0"), "\xc2\xa0");  // the first code point after the control characters
  EXPECT_EQ(printable("\xff"
                      "a\x80"),
            "?a?");                                              // without a lead byte
  EXPECT_EQ(printable("\xc0\xaf"), "??");                        // overlong encoding of /
  EXPECT_EQ(printable("\xe0\x9f\xbf"), "???");                   // overlong encoding with three bytes
  EXPECT_EQ(printable("\xed\xa0\x80"), "???");                   // a surrogate
  EXPECT_EQ(printable("\xed\x9f\xbf"), "\xed\x9f\xbf");          // the last code point before the surrogates
  EXPECT_EQ(printable("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf");  // U+10FFFF
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "????");              // above U+10FFFF
  EXPECT_EQ(printable("\xf0\x8f\xbf\xbf"), "????");              // overlong encoding with four bytes
  EXPECT_EQ(printable("\xe6\xbc"), "??");                        // truncated
  EXPECT_EQ(printable("\xe6\xbc"
                      "abc"),
            "??abc");  // broken off
}

TEST(Text, ClippedNeverSplitsACharacter) {
  EXPECT_EQ(clipped("abc", 3), "abc");
  EXPECT_EQ(clipped("abcd", 3), "abc");
  EXPECT_EQ(clipped("abcd", 0), "");
  EXPECT_EQ(clipped("ab🙂c", 5), "ab");
  EXPECT_EQ(clipped("ab🙂c", 6), "ab🙂");
  EXPECT_EQ(clipped("漢字", 4), "漢");
  EXPECT_EQ(clipped(std::string(9, '\x80'), 8),
            std::string(5, '\x80'));  // not UTF-8: at most 3 bytes are removed
}

TEST(Text, ListedNamesTheLastPartAfterTheConjunction) {
  EXPECT_EQ(listed({}, "and"), "");
  EXPECT_EQ(listed({"a"}, "and"), "a");
  EXPECT_EQ(listed({"a", "b"}, "or"), "a or b");
  EXPECT_EQ(listed({"a", "b", "c"}, "and"), "a, b and c");
}

TEST(Text, TrimmedRemovesBlanksAtTheEndsOnly) {
  EXPECT_EQ(trimmed(" \ta b\t "), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\n a\n"), "\n a\n");
  EXPECT_EQ(trimmed("\n a\n", " \n"), "a");
}

TEST(Text, Counted) {
  EXPECT_EQ(counted(0, "point"), "0 points");
  EXPECT_EQ(counted(1, "point"), "1 point");
  EXPECT_EQ(counted(2, "point"), "2 points");
}

TEST(Text, FileSafeIsOneComponentOfAPath) {
  EXPECT_EQ(file_safe("a/b\nc\x7f"
                      "d"),
            "a_b_c_d");
  EXPECT_EQ(file_safe(".."), "_.");
  EXPECT_EQ(file_safe("a.b"), "a.b");
  EXPECT_EQ(file_safe(std::string("a\0b", 3)), "a_b");
  EXPECT_EQ(file_safe("größe"), "größe");
  EXPECT_EQ(file_safe("a\u0085b\u009f\u00a0"), "a_b_\u00a0");
}

}  // namespace
}  // namespace sweep
