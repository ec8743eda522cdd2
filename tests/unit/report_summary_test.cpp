// controller/report/summary: the summary table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "controller/report/summary.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kHead =
    "| Model | Hardware | Framework | Precision | TP | EP | DP Attention | Conc | TTFT (ms) | TPOT (ms) | "
    "Interactivity (tok/s/user) | E2EL (s) | TPUT per GPU | Output TPUT per GPU | Input TPUT per GPU |\n"
    "| :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: | :-: |\n";

// Returns the rows of the table, without the header.
std::vector<std::string> rows(const std::vector<Document>& documents) {
  const std::string table = summary_table(rows_of(documents));
  EXPECT_TRUE(table.starts_with(kHead));
  std::vector<std::string> lines = split(table, '\n');
  EXPECT_EQ(lines.back(), "");
  return {lines.begin() + 2, lines.end() - 1};
}

// Returns one cell of each row; column 0 is the model.
std::vector<std::string> column(const std::vector<Document>& documents, std::size_t at) {
  std::vector<std::string> out;
  for (const std::string& row : rows(documents)) {
    const std::string cell = split(row, '|').at(at + 1);
    out.push_back(cell.substr(1, cell.size() - 2));
  }
  return out;
}

TEST(Summary, RowHasTheContractsBytes) {
  EXPECT_THAT(
      rows({processed({})}),
      ElementsAre("| deepseek-ai/DeepSeek-R1-0528 | B200 | SGLANG | FP4 | 8 | 1 | false | 16 | 125.0000 | "
                  "10.0000 | 100.0000 | 8.0000 | 500.0000 | 250.0000 | 250.0000 |"));
  EXPECT_EQ(summary_table(std::vector<Row>{}), kHead);
}

TEST(Summary, SortsByEachKeyInTurn) {
  // Each result is greater than the previous one in one key and not greater in all later keys.
  const auto result = [](const char* model, const char* hw, const char* fw, const char* precision, int tp,
                         int ep, int conc) {
    Document out = processed(
        {.hw = hw, .framework = fw, .precision = precision, .model = model, .tp = tp, .conc = conc});
    out.json["ep"] = ep;
    return out;
  };
  const std::vector<Document> sorted = {
      result("a", "z", "z", "z", 9, 9, 9),  result("b", "a", "z", "z", 9, 9, 9),
      result("b", "b", "a", "z", 9, 9, 9),  result("b", "b", "b", "a", 9, 9, 9),
      result("b", "b", "b", "b", 1, 9, 9),  result("b", "b", "b", "b", 10, 1, 9),
      result("b", "b", "b", "b", 10, 2, 3), result("b", "b", "b", "b", 10, 2, 16)};
  std::vector<Document> shuffled = sorted;
  std::reverse(shuffled.begin(), shuffled.end());
  EXPECT_EQ(summary_table(rows_of(shuffled)), summary_table(rows_of(sorted)));
  EXPECT_THAT(column(shuffled, 4), ElementsAre("9", "9", "9", "9", "1", "10", "10", "10"))
      << "sorted as numbers, not as texts";
  EXPECT_THAT(column(shuffled, 7), ElementsAre("9", "9", "9", "9", "9", "9", "3", "16"));
}

TEST(Summary, MissingValueIsADefaultOrADash) {
  const std::vector<Document> documents = {{"", Json::parse(R"({"hw": null, "dp_attention": null})")}};
  EXPECT_THAT(
      rows(documents),
      ElementsAre("| unknown | UNKNOWN | VLLM | FP8 | - | - | None | - | - | - | - | - | - | - | - |"));
}

TEST(Summary, JsonHasBooleansAsBooleans) {
  std::vector<Document> documents = {processed({}), processed({}), processed({}), processed({})};
  documents[1].json["dp_attention"] = "true";
  documents[2].json["dp_attention"] = nullptr;
  documents[3].json["dp_attention"] = "maybe";
  std::multiset<std::string> values;
  for (const auto& row : summary_json(rows_of(documents)))
    values.insert(row["dp_attention"].dump());
  EXPECT_THAT(values, testing::UnorderedElementsAre("false", "true", "null", "\"maybe\""));
}

TEST(Summary, TpAsTextSortsAsANumber) {
  std::vector<Document> documents = {processed({.tp = 16}), processed({}), processed({.tp = 4})};
  documents[1].json["tp"] = "8";
  EXPECT_THAT(column(documents, 4), ElementsAre("4", "8", "16"));
}

TEST(Summary, ValueThatIsNotANumberSortsLast) {
  std::vector<Document> documents = {processed({.conc = 4}), processed({.conc = 8}), processed({.conc = 2})};
  documents[0].json["tp"] = std::numeric_limits<double>::quiet_NaN();
  documents[1].json["median_ttft"] = std::numeric_limits<double>::infinity();
  EXPECT_THAT(column(documents, 7), ElementsAre("2", "8", "4"));
  EXPECT_THAT(column(documents, 8), ElementsAre("125.0000", "inf", "125.0000"));
}

TEST(Summary, CellCannotBreakTheTable) {
  const auto table = rows({processed({.hw = "a|b", .model = "x\ny\x1b[2J\xff"})});
  ASSERT_EQ(table.size(), 1u);
  EXPECT_THAT(table[0], HasSubstr("| x\\ny?[2J? | A\\|B | "));
}

TEST(Summary, OtherFilesGiveNoRows) {
  EXPECT_EQ(rows({{"", Json::parse(kClientResult)}, {"", Json::parse("[1]")}, processed({})}).size(), 1u);
}

}  // namespace
}  // namespace sweep::report
