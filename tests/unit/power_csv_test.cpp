// controller/power/csv_rows: rows and fields as Python's csv module splits them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "controller/power/csv_rows.hpp"

namespace sweep::power {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Row = std::vector<std::string>;

struct Read {
  std::vector<Row> rows;
  std::vector<std::size_t> lines;
  bool too_long = false;
};

Read read(const std::string& text, CsvRows::Blanks blanks = CsvRows::Blanks::SkipAfterComma,
          std::size_t piece = std::string::npos) {
  Read out;
  CsvRows rows(blanks, [&](std::span<const std::string> fields, std::size_t line) {
    out.rows.emplace_back(fields.begin(), fields.end());
    out.lines.push_back(line);
  });
  for (std::size_t at = 0; at < text.size(); at += std::min(piece, text.size() - at))
    rows.feed(std::string_view(text).substr(at, piece));
  rows.finish();
  out.too_long = rows.too_long();
  return out;
}

TEST(CsvRows, BlanksAfterCommasAreSkippedOnlyIfAsked) {
  EXPECT_THAT(read("a,  b ,c\n").rows, ElementsAre(Row{"a", "b ", "c"}));
  EXPECT_THAT(read("a,  b ,c\n", CsvRows::Blanks::Keep).rows, ElementsAre(Row{"a", "  b ", "c"}));
}

TEST(CsvRows, EveryLineEndEndsARow) {
  EXPECT_THAT(read("a\nb\r\nc\rd").rows, ElementsAre(Row{"a"}, Row{"b"}, Row{"c"}, Row{"d"}));
}

TEST(CsvRows, BlankLineIsARowWithoutFields) {
  const Read got = read("a,b\n\nc,d\n");
  ASSERT_EQ(got.rows.size(), 3U);
  EXPECT_THAT(got.rows[1], IsEmpty());
  EXPECT_THAT(got.lines, ElementsAre(1U, 2U, 3U));
}

TEST(CsvRows, QuotedFieldKeepsCommasQuotesAndLineFeeds) {
  const Read got = read("\"a, \"\"b\"\"\",\"c\nd\"\ne\n");
  EXPECT_THAT(got.rows, ElementsAre(Row{"a, \"b\"", "c\nd"}, Row{"e"}));
  EXPECT_THAT(got.lines, ElementsAre(1U, 3U));
}

TEST(CsvRows, EmptyFieldsAreKept) {
  EXPECT_THAT(read(",\n,,x").rows, ElementsAre(Row{"", ""}, Row{"", "", "x"}));
}

TEST(CsvRows, PiecesOfAnySizeGiveTheSameRows) {
  const std::string text = "a, \"b\r\nc\"\r\n1,2\r\n";
  const auto whole = read(text).rows;
  for (std::size_t piece = 1; piece < text.size(); ++piece)
    EXPECT_EQ(read(text, CsvRows::Blanks::SkipAfterComma, piece).rows, whole) << piece;
}

TEST(CsvRows, FieldLongerThanPythonReadsEndsTheFile) {
  const std::string long_field(kMaxCsvField + 1, 'x');
  const Read got = read("a\n" + long_field + "\nb\n");
  EXPECT_TRUE(got.too_long);
  EXPECT_THAT(got.rows, ElementsAre(Row{"a"}));
  EXPECT_FALSE(read("a\n" + long_field.substr(1) + "\nb\n").too_long);
}

}  // namespace
}  // namespace sweep::power
