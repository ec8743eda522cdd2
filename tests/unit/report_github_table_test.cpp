// controller/report/github_table: the bytes of tabulate's format "github".
#include <gtest/gtest.h>

#include "controller/report/github_table.hpp"

namespace sweep::report {
namespace {

using Json = nlohmann::ordered_json;

// Returns the table of one column.
std::string one_column(const std::string& title, const std::vector<Json>& cells) {
  std::vector<TableCells> rows;
  for (const Json& cell : cells)
    rows.push_back({cell});
  return github_table(std::vector<std::string>{title}, rows);
}

TEST(GithubTable, TextsAreAlignedToTheLeft) {
  EXPECT_EQ(one_column("A", {"b", "long text"}),
            "| A         |\n"
            "|-----------|\n"
            "| b         |\n"
            "| long text |\n");
}

TEST(GithubTable, ColumnsAreTwoWiderThanTheirTitle) {
  EXPECT_EQ(one_column("Title", {"x"}), "| Title   |\n|---------|\n| x       |\n");
}

TEST(GithubTable, IntegersAndTheirTextsAreAlignedToTheRightAsWritten) {
  EXPECT_EQ(one_column("A", {1319, "007", "1_0"}),
            "|    A |\n"
            "|------|\n"
            "| 1319 |\n"
            "|  007 |\n"
            "|  1_0 |\n");
}

TEST(GithubTable, DecimalsHaveSixDigitsAndAlignedPoints) {
  EXPECT_EQ(one_column("A", {"1234.50", "123456.79", "1e9", "7", "nan", "-inf"}),
            "|          A |\n"
            "|------------|\n"
            "|   1234.5   |\n"
            "| 123457     |\n"
            "|      1e+09 |\n"
            "|      7     |\n"
            "|    nan     |\n"
            "|   -inf     |\n");
}

TEST(GithubTable, OneTextMakesAColumnOfTexts) {
  EXPECT_EQ(one_column("A", {"500.0000", "N/A"}), "| A        |\n|----------|\n| 500.0000 |\n| N/A      |\n");
  EXPECT_EQ(one_column("A", {1319, ""}), "| A    |\n|------|\n| 1319 |\n|      |\n")
      << "an empty text is a text";
  EXPECT_EQ(one_column("A", {"infinity", "2"}), "| A        |\n|----------|\n| infinity |\n| 2        |\n");
}

TEST(GithubTable, NullIsEmptyAndFitsEveryColumn) {
  EXPECT_EQ(one_column("A", {1.5, nullptr}), "|   A |\n|-----|\n| 1.5 |\n|     |\n");
  EXPECT_EQ(one_column("A", {nullptr}), "| A   |\n|-----|\n|     |\n");
}

TEST(GithubTable, TruthValuesAreTextsUnlessNumbersAreBesideThem) {
  EXPECT_EQ(one_column("A", {true, "False"}), "| A     |\n|-------|\n| True  |\n| False |\n");
  EXPECT_EQ(one_column("A", {true, 3}), "|    A |\n|------|\n| True |\n|    3 |\n");
  EXPECT_EQ(one_column("A", {true, 2.5}), "|   A |\n|-----|\n| 1   |\n| 2.5 |\n");
}

TEST(GithubTable, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(one_column("A", {"±2%", "x"}), "| A   |\n|-----|\n| ±2% |\n| x   |\n");
}

TEST(GithubTable, LineFeedsCannotAddARow) {
  EXPECT_EQ(one_column("A", {"a\n| b"}), "| A      |\n|--------|\n| a\\n| b |\n");
}

}  // namespace
}  // namespace sweep::report
