// controller/report/repeats: merged results of a point in tables, frontiers and plots.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/report/frontier.hpp"
#include "controller/report/plot_model.hpp"
#include "controller/report/plot_script.hpp"
#include "controller/report/repeats.hpp"
#include "controller/report/summary.hpp"
#include "controller/report/table.hpp"
#include "controller/report/validity.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

Row result(const std::string& path, double throughput, const std::string& of, bool valid = true) {
  Json json = {{"model", "dsr1"},
               {"hw", "b200"},
               {"framework", "trt"},
               {"precision", "fp4"},
               {"tp", 4},
               {"ep", 1},
               {"dp_attention", false},
               {"conc", 8},
               {"median_ttft", 0.1},
               {"median_tpot", 0.01},
               {"median_intvty", 100.0},
               {"median_e2el", 10.0},
               {"tput_per_gpu", throughput}};
  if (!of.empty()) mark_repeat(json, of, 1);
  if (!valid) mark_validity(json, {"failures: many"});
  return make_row({path, json});
}

TEST(Repeats, MedianOfOddAndEvenNumberOfRuns) {
  const std::vector<Row> three = {result("s/1", 30, "p"), result("s/2", 10, "p"), result("s/3", 20, "p")};
  auto merged = merged_repeats(three);
  ASSERT_EQ(merged.size(), 1U);
  EXPECT_EQ(merged[0]["tput_per_gpu"].number(), 20);
  EXPECT_EQ(merged[0].range("tput_per_gpu")->least, 10);
  EXPECT_EQ(merged[0].range("tput_per_gpu")->greatest, 30);
  EXPECT_EQ(merged[0].spread->runs, 3);
  EXPECT_EQ(merged[0].path, "s/1");
  EXPECT_EQ(half_spread(merged[0], "tput_per_gpu"), 0.5);
  EXPECT_FALSE(merged[0].range("conc")) << "configured, not measured";
  merged = merged_repeats(std::vector<Row>{result("s/1", 10, "p"), result("s/2", 40, "p")});
  EXPECT_EQ(merged[0]["tput_per_gpu"].number(), 25);
}

TEST(Repeats, OtherResultsAreNotMerged) {
  const std::vector<Row> rows = {result("s/1", 1, "p"), result("s/2", 2, "q"), result("s/3", 3, ""),
                                 result("s/4", 4, ""), result("t/1", 5, "p")};
  const auto merged = merged_repeats(rows);
  ASSERT_EQ(merged.size(), 5U) << "other points, results without repeat_of, and another sweep";
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(merged[i].path, rows[i].path);
  EXPECT_FALSE(merged[0].spread);
}

TEST(Repeats, MedianExcludesInvalidResults) {
  const std::vector<Row> rows = {result("s/1", 10, "p"), result("s/2", 999, "p", false),
                                 result("s/3", 20, "p")};
  const auto merged = merged_repeats(rows);
  ASSERT_EQ(merged.size(), 2U);
  EXPECT_EQ(merged[0]["tput_per_gpu"].number(), 15);
  EXPECT_EQ(merged[1]["tput_per_gpu"].number(), 999);
  EXPECT_FALSE(merged[1].valid);
}

TEST(Repeats, TableShowsSpreadAndRuns) {
  const std::vector<Row> rows = {result("s/1", 10, "p"), result("s/2", 11, "p"), result("s/3", 12, "p"),
                                 result("s/4", 7, "")};
  const auto merged = merged_repeats(rows);
  const std::string table = summary_table(merged);
  EXPECT_THAT(table, HasSubstr("| Runs |"));
  EXPECT_THAT(table, HasSubstr("| 11.0000 ±9.1% |"));
  EXPECT_THAT(table, HasSubstr("| 7.0000 |"));
  EXPECT_THAT(table, HasSubstr(" 3 |\n"));
  const auto lines = sorted_results(merged);
  EXPECT_THAT(aligned_table(frontier_columns(), lines), HasSubstr("11.0000 ±9.1%"));
  const Json json = table_json(summary_columns(), lines);
  EXPECT_EQ(json[0]["runs"], 3);
  EXPECT_EQ(json[0]["range"]["tput_per_gpu"], (Json{10.0, 12.0}));
  EXPECT_FALSE(json[1].contains("runs"));
  EXPECT_THAT(repeat_note(lines), HasSubstr("1 point, 3 times each"));
}

TEST(Repeats, WithoutRepeatsTheTableIsTheContracts) {
  const std::vector<Row> rows = {result("s/1", 10, ""), result("s/2", 11, "")};
  EXPECT_FALSE(has_repeats(rows));
  EXPECT_THAT(summary_table(rows), Not(HasSubstr("Runs")));
  EXPECT_EQ(summary_table(rows), summary_table(merged_repeats(rows)));
}

TEST(Repeats, PlotHasBarsForRepeats) {
  const std::vector<Row> rows = {result("s/1", 10, "p"), result("s/2", 12, "p")};
  const auto family = families(merged_repeats(rows), "x").at(0);
  const auto& points = family.series.at(0).points[Metric::MedianE2el];
  ASSERT_EQ(points.size(), 1U);
  EXPECT_EQ(points[0].y, 11);
  EXPECT_EQ(points[0].y_range->greatest, 12);
  const std::vector<Family> all = {family};
  const std::string script = plot_script(family, Metric::MedianE2el, PlotStyles(all), "x.png");
  EXPECT_THAT(script, HasSubstr("with vectors nohead"));
  EXPECT_THAT(script, HasSubstr("bars: range of repeats"));
  EXPECT_THAT(script, HasSubstr("<< EOD\n10.0 10.0 0.0 2.0\nEOD"))
      << "one vertical bar, from (10, 10) up by 2";
  const std::vector<Family> plain = families(rows, "x");
  EXPECT_THAT(plot_script(plain.at(0), Metric::MedianE2el, PlotStyles(plain), "x.png"),
              Not(HasSubstr("vectors")));
}

}  // namespace
}  // namespace sweep::report
