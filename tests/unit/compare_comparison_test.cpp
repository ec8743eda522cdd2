// controller/compare: queries, baselines and tables.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/compare/comparison_table.hpp"
#include "tests/unit/compare_samples.hpp"
#include "tests/unit/odd_values.hpp"

namespace sweep::compare {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

Compared point(const Json& record) {
  auto out = compared(record);
  EXPECT_TRUE(out) << out.error().message;
  return out.value_or(Compared());
}

std::string problem(const Json& record) {
  const auto out = compared(record);
  return out ? "" : out.error().message;
}

Json changed(Json all, const char* key, const Json& value) {
  all[key] = value;
  return all;
}

TEST(Comparison, QueryOfOneNodeHasItsParallelismTwice) {
  EXPECT_EQ(
      point(sample_record()).query.dump(),
      R"({"hardware":"b200","model":"dsr1","framework":"trt","precision":"fp4","spec_method":"mtp",)"
      R"("disagg":false,"is_multinode":false,"prefill_tp":4,"prefill_ep":2,"prefill_dp_attention":true,)"
      R"("decode_tp":4,"decode_ep":2,"decode_dp_attention":true,"isl":1024,"osl":256,"conc":8})");
}

TEST(Comparison, QueryOfManyNodesHasThatOfEachRole) {
  EXPECT_THAT(
      point(many_nodes_record()).query.dump(),
      HasSubstr(R"("disagg":true,"is_multinode":true,"prefill_tp":4,"prefill_ep":1,)"
                R"("prefill_dp_attention":true,"decode_tp":8,"decode_ep":2,"decode_dp_attention":false)"));
}

TEST(Comparison, OneSuffixOfTheHardwareIsRemoved) {
  const auto hardware = [](const char* hw) { return point(changed(sample_record(), "hw", hw)).hardware; };
  EXPECT_EQ(hardware("b200"), "B200");
  EXPECT_EQ(hardware("b200-multinode"), "B200");
  EXPECT_EQ(hardware("b200-disagg-trt"), "B200-DISAGG");
  EXPECT_EQ(hardware("b200-TRT"), "B200-TRT");
  EXPECT_EQ(hardware("b200-trtx"), "B200-TRTX");
}

TEST(Comparison, RecordsOfOtherKindsAreRefusedWithTheKey) {
  for (const char* key : {"hw", "infmax_model_prefix", "framework", "precision", "model", "tp", "ep",
                          "dp_attention", "isl", "osl", "conc"}) {
    Json record = sample_record();
    record.erase(key);
    EXPECT_EQ(problem(record), "it has no '" + std::string(key) + "'");
  }
  EXPECT_EQ(problem(changed(sample_record(), "hw", 3)), "its 'hw' must be a text, but is 3");
  EXPECT_EQ(problem(changed(sample_record(), "tp", "x")), "its 'tp' must be an integer, but is \"x\"");
  EXPECT_EQ(problem(Json::array()), "it is a list, not an object");
}

TEST(Comparison, AgenticRecordsAreKnown) {
  EXPECT_TRUE(is_agentic(Json::parse(R"({"scenario_type": "agentic-coding"})")));
  EXPECT_FALSE(is_agentic(sample_record()));
  EXPECT_FALSE(is_agentic(Json::array()));
}

// ---- baselines

std::optional<Baseline> baseline_in(const std::vector<Json>& rows) {
  return BaselineRows(rows).newest(point(sample_record()).query);
}

TEST(Baselines, RowMustAgreeInEveryColumn) {
  ASSERT_TRUE(baseline_in({sample_row()}));
  EXPECT_EQ(baseline_in({sample_row()})->model, "dsr1-0528");
  for (const char* column : {"hardware", "framework", "precision", "spec_method"})
    EXPECT_FALSE(baseline_in({changed(sample_row(), column, "x")})) << column;
  for (const char* column : {"prefill_tp", "prefill_ep", "decode_tp", "decode_ep", "isl", "osl", "conc"})
    EXPECT_FALSE(baseline_in({changed(sample_row(), column, 99)})) << column;
  for (const char* column : {"disagg", "is_multinode"})
    EXPECT_FALSE(baseline_in({changed(sample_row(), column, true)})) << column;
  for (const char* column : {"prefill_dp_attention", "decode_dp_attention"})
    EXPECT_FALSE(baseline_in({changed(sample_row(), column, false)})) << column;
}

TEST(Baselines, WholeNumbersMayBeWrittenAsFractionsButNotAsTexts) {
  EXPECT_TRUE(baseline_in({changed(sample_row(), "conc", 8.0)}));
  EXPECT_FALSE(baseline_in({changed(sample_row(), "conc", "8")}));
  EXPECT_FALSE(baseline_in({changed(sample_row(), "conc", nullptr)}));
}

TEST(Baselines, ModelMustBeginWithThePrefix) {
  EXPECT_TRUE(baseline_in({changed(sample_row(), "model", "dsr1")}));
  EXPECT_FALSE(baseline_in({changed(sample_row(), "model", "xdsr1")}));
  EXPECT_FALSE(baseline_in({changed(sample_row(), "model", "dsr")}));
}

TEST(Baselines, OnlyGoodRowsOfMainCount) {
  EXPECT_FALSE(baseline_in({changed(sample_row(), "head_branch", "dev")}));
  EXPECT_FALSE(baseline_in({changed(sample_row(), "error", "oom")}));
}

TEST(Baselines, NewestRowCounts) {
  const auto at = [](const char* date, int throughput) {
    Json row = changed(sample_row(), "date", date);
    row["metrics"] = {{"tput_per_gpu", throughput}};
    return row;
  };
  const auto newest =
      baseline_in({at("2026-08-01", 1), at("2026-08-05", 2), at("2026-08-05", 3), at("2026-07-09", 4)});
  EXPECT_EQ(newest->metrics.at("tput_per_gpu"), 2);
}

TEST(Baselines, MetricsMayBeAText) {
  const auto metrics = [](const Json& value) {
    return baseline_in({changed(sample_row(), "metrics", value)})->metrics;
  };
  EXPECT_EQ(metrics(R"({"a": 1})"), Json({{"a", 1}}));
  EXPECT_EQ(metrics("oops"), Json(nullptr));
}

// ---- tables

ComparedRow row(const Json& record, const std::optional<Baseline>& baseline = std::nullopt) {
  return {point(record), baseline};
}

// Returns the cells of a line, without the blanks around them.
std::vector<std::string> cells(const std::string& text, std::size_t line) {
  std::istringstream lines(text);
  std::string found;
  for (std::size_t i = 0; i <= line; ++i)
    std::getline(lines, found);
  std::vector<std::string> out;
  std::istringstream parts(found.substr(1));
  for (std::string part; std::getline(parts, part, '|');) {
    const std::size_t begin = part.find_first_not_of(' ');
    out.push_back(begin == std::string::npos ? ""
                                             : part.substr(begin, part.find_last_not_of(' ') - begin + 1));
  }
  return out;
}

TEST(ComparisonTables, OneNodeShowsValuesAndTheirChange) {
  const std::string text = comparison_tables({row(sample_record(), baseline_in({sample_row()}))});
  EXPECT_THAT(text, testing::StartsWith("## Single-Node Comparison vs. Most Recent\n\n| Model "));
  EXPECT_THAT(text, testing::EndsWith("|\n\n"));
  const auto titles = cells(text, 2), values = cells(text, 4);
  EXPECT_EQ(titles.size(), 37U);
  EXPECT_EQ(std::vector<std::string>(values.begin(), values.begin() + 15),
            (std::vector<std::string>{"DSR1", "org/Model", "B200", "TRT", "FP4", "1024", "256", "4", "2",
                                      "true", "8", "1280", R"($\color{green}\text{+280.00}$ (+28.0%))", "200",
                                      R"($\color{green}\text{-50.0000}$ (-20.0%))"}));
  EXPECT_EQ(titles[21], "Intvty Median");
  EXPECT_EQ(values[22], "+0.0000 (+0.0%)");
}

TEST(ComparisonTables, WorseIsRed) {
  Json slower = sample_row();
  slower["metrics"] = {{"tput_per_gpu", 1600}, {"median_e2el", 10}};
  const auto values = cells(comparison_tables({row(sample_record(), baseline_in({slower}))}), 4);
  EXPECT_EQ(values[12], R"($\color{red}\text{-320.00}$ (-20.0%))");
  EXPECT_EQ(values[30], R"($\color{red}\text{+2.0000}$ (+20.0%))");
}

TEST(ComparisonTables, WithoutABaselineNoChangeIsShown) {
  Json record = sample_record();
  record["p99_ttft"] = 0.3;
  for (const auto& baseline :
       {std::optional<Baseline>(), baseline_in({sample_row()})}) {  // its p99_ttft is 0
    const auto values = cells(comparison_tables({row(record, baseline)}), 4);
    EXPECT_EQ(values[17], "300");
    EXPECT_EQ(values[18], "N/A");
    EXPECT_EQ(values[16], "N/A") << "p90_ttft is in neither";
  }
}

TEST(ComparisonTables, ManyNodesHaveATableOfTheirOwn) {
  const std::string text = comparison_tables({row(many_nodes_record()), row(sample_record())});
  EXPECT_THAT(text, HasSubstr("|\n\n## Multi-Node Comparison vs. Most Recent\n\n"));
  EXPECT_THAT(cells(text, 8), AllOf(testing::Contains("Prefill TP"), Not(testing::Contains("DP Attention"))));
  EXPECT_THAT(text, Not(testing::EndsWith("\n\n")));
}

TEST(ComparisonTables, RowsAreSorted) {
  const auto order = [](const Json& first, const Json& second) {
    const std::string text = comparison_tables({row(second), row(first)});
    return cells(text, 4) == cells(comparison_tables({row(first), row(second)}), 4);
  };
  EXPECT_TRUE(order(sample_record(), changed(sample_record(), "infmax_model_prefix", "a")));
  EXPECT_TRUE(order(changed(sample_record(), "conc", "16"), changed(sample_record(), "conc", 128)));
  const std::string text = comparison_tables(
      {row(changed(sample_record(), "conc", 128)), row(changed(sample_record(), "conc", 16))});
  EXPECT_EQ(cells(text, 4)[10], "16") << "as numbers";
}

TEST(ComparisonTables, RecordsWithOddValuesAreComparedOrRefused) {
  std::size_t compared_ones = 0, refused = 0;
  for (const Json& sample : {sample_record(), many_nodes_record()}) {
    each_odd_document(sample, [&](const Json& record) {
      const auto point = compared(record);
      if (!point) {
        EXPECT_FALSE(point.error().message.empty());
        ++refused;
        return;
      }
      EXPECT_FALSE(comparison_tables({{*point, baseline_in({sample_row()})}}).empty());
      ++compared_ones;
    });
  }
  EXPECT_GT(compared_ones, 100U);
  EXPECT_GT(refused, 100U);
  each_odd_document(sample_row(), [](const Json& row) { baseline_in({row}); });
}

TEST(ComparisonTables, NoRowsAreSaid) {
  EXPECT_EQ(comparison_tables({}), "No benchmark results found to compare.\n");
}

}  // namespace
}  // namespace sweep::compare
