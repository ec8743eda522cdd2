// Points that ended alike are shown together.
#include <gmock/gmock.h>

#include "controller/view/endings.hpp"

namespace sweep::view {
namespace {

Ending ending(const std::string& word, const std::string& label, const std::string& reason,
              const std::string& log = "") {
  Ending out;
  out.word = word;
  out.label = label;
  out.reason = reason;
  out.log_stem = log;
  return out;
}

std::string text_of(const std::vector<Ending>& endings, std::size_t width = 10,
                    const FindLog& find_log = {}) {
  Endings all(find_log);
  for (const Ending& one : endings)
    all.add(one);
  return all.text(width);
}

TEST(Endings, OnePointIsOneLine) {
  EXPECT_EQ(text_of({ending("failed", "a", "why"), ending("unfinished", "b", "")}),
            "  failed      a: why\n"
            "  unfinished  b\n");
  EXPECT_EQ(text_of({ending("failed", "a", "why")}, 0), "  failed  a: why\n");
}

TEST(Endings, PointsWithTheSameReasonAreOneGroupInTheOrderOfTheirFirst) {
  EXPECT_EQ(text_of({ending("failed", "a", "why"), ending("failed", "b", "other"),
                     ending("failed", "c", "why"), ending("unfinished", "d", "why")}),
            "  failed      2 points: why\n"
            "                a\n"
            "                c\n"
            "  failed      b: other\n"
            "  unfinished  d: why\n");
}

TEST(Endings, LongListsAreCut) {
  std::vector<Ending> many;
  for (int i = 0; i < 46; ++i)
    many.push_back(ending("failed", "p" + std::to_string(i), "cannot start './b.sh': Permission denied"));
  EXPECT_EQ(text_of(many),
            "  failed      46 points: cannot start './b.sh': Permission denied\n"
            "                p0\n                p1\n                p2\n                p3\n"
            "                and 42 more\n");
  many.resize(5);
  EXPECT_THAT(text_of(many), testing::EndsWith("                p3\n                p4\n"));
}

TEST(Endings, NamesOfResultFilesDoNotMakeReasonsDifferent) {
  EXPECT_EQ(text_of({ending("failed", "a", "did not create '/w/x_conc4_n1.json'"),
                     ending("failed", "b", "did not create '/w/x_conc8_n2.json'")}),
            "  failed      2 points: did not create '/w/$RESULT_FILENAME.json'\n"
            "                a\n                b\n");
  EXPECT_EQ(text_of({ending("failed", "a", "did not create '/w/x.json'")}),
            "  failed      a: did not create '/w/x.json'\n");
}

TEST(Endings, NumbersDistinguishFailuresButNotInvalidResults) {
  EXPECT_EQ(text_of({ending("invalid", "a", "input-length: prompts had 128.0 tokens instead of 921.6"),
                     ending("invalid", "b", "input-length: prompts had 127.25 tokens instead of 921.6")}),
            "  invalid     2 points: input-length: prompts had 128.0 tokens instead of 921.6 (numbers of the "
            "first)\n                a\n                b\n");
  EXPECT_EQ(text_of({ending("failed", "a", "exit status 1"), ending("failed", "b", "exit status 2")}),
            "  failed      a: exit status 1\n  failed      b: exit status 2\n");
}

TEST(Endings, LogIsThatOfTheFirstAndOnlyNamedIfItExists) {
  std::vector<std::string> asked;
  const FindLog find = [&](const std::string& stem) {
    asked.push_back(stem);
    return stem == "logs/c" ? "" : stem + ".err";
  };
  EXPECT_EQ(text_of({ending("failed", "a", "why", "logs/a"), ending("failed", "b", "why", "logs/b"),
                     ending("failed", "c", "x", "logs/c"), ending("failed", "d", "y", "logs/d")},
                    10, find),
            "  failed      2 points: why\n                a\n                b\n"
            "                log of the first: logs/a.err\n"
            "  failed      c: x\n"
            "  failed      d: y\n                log: logs/d.err\n");
  EXPECT_THAT(asked, testing::ElementsAre("logs/a", "logs/c", "logs/d"));
}

TEST(Endings, LastLinesOfAServerFollow) {
  Ending failed = ending("failed", "a", "why");
  failed.server_says = {"out of memory"};
  EXPECT_EQ(text_of({failed}), "  failed      a: why\n                | out of memory\n");
}

}  // namespace
}  // namespace sweep::view
