// controller/report/plot_model, plot_style and plot_script: what is drawn, the styles, and the text of the
// gnuplot program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "controller/report/plot_model.hpp"
#include "controller/report/plot_script.hpp"
#include "controller/report/plot_style.hpp"
#include "tests/unit/report_plots.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(PlotModel, FindsFamilyByModelName) {
  EXPECT_EQ(model_family("meta-llama/Llama-3.3-70B-Instruct"), "70b");
  EXPECT_EQ(model_family("nvidia/DeepSeek-R1-0528-FP4-V2"), "dsr1");
  EXPECT_EQ(model_family("my-DSR1"), "dsr1");
  EXPECT_EQ(model_family("dsr1-distill-70b"), "70b") << "70b is checked first";
  EXPECT_EQ(model_family("openai/gpt-oss-120b"), "gpt");
  EXPECT_EQ(model_family("a/b/Qwen3"), "Qwen3");
  EXPECT_EQ(model_family("gpt-oss-120b"), "gpt-oss-120b") << "without a slash the whole name";
  EXPECT_EQ(model_family(""), "");
}

TEST(PlotModel, FamilyNamesAreSafeFileNames) {
  const std::vector<Document> documents = {processed({.model = "org/.hidden"}),
                                           processed({.model = "org/-x"}), processed({.model = "a\nb"})};
  for (const Family& family : families(rows_of(documents), "exp")) {
    EXPECT_THAT(family.name,
                testing::AllOf(Not(HasSubstr("/")), Not(HasSubstr("\n")), Not(testing::StartsWith("."))));
    EXPECT_FALSE(family.name.empty());
  }
  EXPECT_EQ(families(rows_of(documents), "exp").size(), 3u);
}

TEST(PlotModel, SeriesArePerHardwareFrameworkAndPrecision) {
  const std::vector<Document> documents = {
      processed({.hw = "H200", .framework = "vllm", .precision = "FP8", .tp = 4}),
      processed({.hw = "h200", .framework = "vllm", .precision = "fp8", .tp = 8}),
      processed({.hw = "b200", .framework = "trt"}), processed({.hw = "b200", .framework = "sglang"}),
      processed({.model = "openai/gpt-oss-120b"})};
  const auto all = families(rows_of(documents), "exp");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "dsr1");
  EXPECT_EQ(all[1].name, "gpt");
  std::vector<std::string> labels;
  for (const Series& series : all[0].series)
    labels.push_back(series.label);
  EXPECT_THAT(labels, ElementsAre("B200 sglang (fp4)", "B200 trt (fp4)", "H200 (fp8)"));
  EXPECT_EQ(all[0].series[1].framework_rank, 1u);
  ASSERT_EQ(all[0].series[2].points[Metric::MedianIntvty].size(), 2u);
  EXPECT_EQ(all[0].series[2].points[Metric::MedianE2el][0].tp, "4");
  EXPECT_EQ(all[0].series[2].points[Metric::MedianE2el][0].x, 8);
  EXPECT_EQ(all[0].series[2].points[Metric::MedianIntvty][0].x, 100);
  EXPECT_EQ(all[0].series[2].points[Metric::MedianIntvty][0].y, 500);
}

TEST(PlotModel, PointWithoutANumberIsMissingOnlyInThatPicture) {
  Document no_latency = processed({});
  no_latency.json.erase("median_e2el");
  Document infinite = processed({});
  infinite.json["median_intvty"] = std::numeric_limits<double>::infinity();
  const auto all =
      families(rows_of(std::vector<Document>{no_latency, infinite, {"", Json::parse("[]")}}), "exp");
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].series[0].points[Metric::MedianE2el].size(), 1u);
  EXPECT_EQ(all[0].series[0].points[Metric::MedianIntvty].size(), 1u);
}

TEST(PlotModel, FamilyKnowsItsStandIns) {
  Document cpu = processed({});
  cpu.json["stand_in"] = "cpu";
  EXPECT_TRUE(families(rows_of(std::vector{cpu}), "exp")[0].all_stand_in);
  const auto mixed = families(rows_of(std::vector{cpu, processed({})}), "exp");
  EXPECT_FALSE(mixed[0].all_stand_in);
  EXPECT_THAT(mixed[0].stand_ins, ElementsAre("cpu"));
}

TEST(PlotModel, EachExperimentHasItsOwnPictures) {
  Document known = processed({});
  known.exp_name = "dsr1_8k1k";
  const auto all = families(rows_of(std::vector{known, processed({})}), "dsr1_1k1k");
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].exp_name, "dsr1_1k1k");
  EXPECT_EQ(all[1].exp_name, "dsr1_8k1k");
  EXPECT_EQ(all[1].series.at(0).points[Metric::MedianE2el].size(), 1u);
}

TEST(PlotModel, StandInHasItsOwnSeriesAndFrontier) {
  Document cpu = processed({.latency = 1, .throughput = 9999});
  cpu.json["stand_in"] = "cpu";
  const auto all = families(rows_of(std::vector{cpu, processed({.latency = 4, .throughput = 400})}), "exp");
  ASSERT_EQ(all.at(0).series.size(), 2u);
  EXPECT_EQ(all[0].series[0].label, "B200 (fp4)");
  EXPECT_EQ(all[0].series[1].label, "B200 stand-in (fp4)");
  EXPECT_TRUE(all[0].series[0].points[Metric::MedianE2el].at(0).on_frontier) << "a stand-in does not beat it";
  EXPECT_EQ(families(rows_of(std::vector{cpu}), "exp")[0].series[0].label, "B200 (fp4)")
      << "the title names the stand-in";
}

TEST(PlotModel, FrontierIsPerHardwareAndFramework) {
  // fp4 beats fp8 from 4 s on, but not at 2 s; trt and the H200 have their own lines.
  const std::vector<Document> documents = {
      processed({.precision = "fp4", .conc = 4, .latency = 4, .throughput = 400}),
      processed({.precision = "fp4", .conc = 8, .latency = 8, .throughput = 800}),
      processed({.precision = "fp8", .conc = 2, .latency = 2, .throughput = 100}),
      processed({.precision = "fp8", .conc = 5, .latency = 5, .throughput = 300}),
      processed({.framework = "trt", .conc = 1, .latency = 9, .throughput = 50}),
      processed({.hw = "h200", .precision = "fp8", .conc = 9, .latency = 9, .throughput = 60})};
  const auto all = families(rows_of(documents), "exp");
  std::vector<std::string> lines;
  for (const FrontierLine& line : all.at(0).frontiers[Metric::MedianE2el]) {
    const Series& series = all[0].series[line.series];
    lines.push_back(series.hw + " " + series.framework);
    for (const PlotPoint& point : line.points)
      lines.back() += " " + point.conc;
  }
  EXPECT_THAT(lines, ElementsAre("b200 sglang 2 4 8", "b200 trt 1", "h200 sglang 9"));
  EXPECT_FALSE(all[0].series[1].points[Metric::MedianE2el].at(1).on_frontier) << "fp8 at 5 s";
  EXPECT_TRUE(all[0].series[1].points[Metric::MedianE2el].at(0).on_frontier) << "fp8 at 2 s";
}

// ---- style

Series series_of(const std::string& hw, const std::string& precision = "fp8", std::size_t rank = 0) {
  Series series;
  series.hw = hw;
  series.precision = precision;
  series.framework_rank = rank;
  return series;
}

TEST(PlotStyle, HasTheContractsColoursAndMarks) {
  const PlotStyles styles({});
  for (const auto& [hw, colour] :
       std::initializer_list<std::pair<const char*, const char*>>{{"h100", "#90ee90"},
                                                                  {"h200", "#008000"},
                                                                  {"h200-trt", "#006400"},
                                                                  {"b200", "#000000"},
                                                                  {"b200-trt", "#808080"},
                                                                  {"mi300x", "#ffc0cb"},
                                                                  {"mi325x", "#ff0000"},
                                                                  {"mi355x", "#800080"},
                                                                  {"gb200", "#ffa500"}}) {
    EXPECT_EQ(styles.colour(series_of(hw)), colour) << hw;
  }
  EXPECT_EQ(styles.mark(series_of("b200", "fp8")), 7) << "gnuplot's filled circle";
  EXPECT_EQ(styles.mark(series_of("b200", "fp4")), 5) << "gnuplot's filled square";
}

TEST(PlotStyle, UnknownHardwareAndPrecisionsHaveDistinctStyles) {
  Family family;
  for (const char* hw : {"cpu", "tpu", "x1", "x2", "b200"})
    family.series.push_back(series_of(hw, hw == std::string("tpu") ? "bf16" : "int4"));
  const PlotStyles styles(std::span(&family, 1));
  std::set<std::string> colours;
  for (const Series& series : family.series)
    colours.insert(styles.colour(series));
  EXPECT_EQ(colours.size(), 5u);
  EXPECT_NE(styles.mark(series_of("cpu", "int4")), styles.mark(series_of("tpu", "bf16")));
  EXPECT_NE(styles.mark(series_of("cpu", "int4")), 7);
}

TEST(PlotStyle, FrameworksOfOneHardwareHaveDistinctColours) {
  const PlotStyles styles({});
  std::set<std::string> colours;
  for (std::size_t rank = 0; rank < 4; ++rank)
    colours.insert(styles.colour(series_of("b200", "fp4", rank)));
  EXPECT_EQ(colours.size(), 4u);
}

TEST(PlotStyle, TextColoursAreDark) {
  const PlotStyles styles({});
  for (const char* hw : {"h100", "mi300x", "gb200", "b200", "mi325x"}) {
    const unsigned colour =
        static_cast<unsigned>(std::stoul(styles.text_colour(series_of(hw)).substr(1), nullptr, 16));
    const double brightness = 0.30 * (colour >> 16) + 0.59 * ((colour >> 8) & 0xff) + 0.11 * (colour & 0xff);
    EXPECT_LE(brightness, 111) << hw;
  }
}

// ---- the gnuplot program

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++count;
  return count;
}

TEST(PlotScript, HasTheContractsTitlesAndLabels) {
  const std::vector<Document> documents = {
      processed({.tp = 4}), processed({.tp = 8, .latency = 4, .interactivity = 200, .throughput = 250}),
      processed({.hw = "h200", .precision = "fp8", .latency = 6})};
  const std::string script = script_of(documents);
  EXPECT_THAT(script, HasSubstr("'dsr1 - All Frameworks'"));
  EXPECT_THAT(script, HasSubstr("set xlabel 'End-to-end Latency (s)'"));
  EXPECT_THAT(script, HasSubstr("set ylabel 'Throughput per GPU (tok/s)'"));
  EXPECT_THAT(script, HasSubstr("title 'Hardware + Framework'"));
  EXPECT_THAT(script, HasSubstr("title 'B200 (fp4)'"));
  EXPECT_THAT(script, HasSubstr("title 'H200 (fp8)'"));
  EXPECT_THAT(script, HasSubstr("'TP4 c16' at screen ")) << "on the frontier";
  EXPECT_EQ(count_of(script, "'TP8 c16' at screen "), 2u);
  EXPECT_THAT(script, HasSubstr("\n8.0 500.0\n")) << "the data";
  EXPECT_THAT(script, HasSubstr("3 points"));
  EXPECT_THAT(script, HasSubstr("set output '0.png'"));
  EXPECT_THAT(script_of(documents, Metric::MedianIntvty),
              HasSubstr("set xlabel 'Interactivity (tok/s/user)'"));
}

TEST(PlotScript, LabelsEqualPointsSeparately) {
  const std::string script = script_of({processed({}), processed({.conc = 32})});
  EXPECT_EQ(count_of(script, "'TP8 c16' at screen ") + count_of(script, "'TP8' at screen "), 2u)
      << "two results with equal values are two points";
}

TEST(PlotScript, TitleNamesStandIns) {
  Document cpu = processed({});
  cpu.json["stand_in"] = "cpu";
  EXPECT_THAT(script_of({cpu}),
              HasSubstr("'dsr1 - All Frameworks - stand-in results, not measured on this hardware'"));
  EXPECT_THAT(script_of({cpu}), HasSubstr("'Stand-in: cpu'"));
  EXPECT_THAT(script_of({cpu, processed({})}), HasSubstr("some stand-in results"));
  EXPECT_THAT(script_of({processed({})}), Not(HasSubstr("tand-in")));
}

TEST(PlotScript, SubtitleCountsHiddenLabels) {
  const std::vector<Document> pile(300, processed({}));
  EXPECT_THAT(script_of(pile), HasSubstr("labels hidden"));
}

TEST(PlotScript, TextFromResultsIsQuoted) {
  EXPECT_EQ(quoted("plain", 20), "'plain'");
  EXPECT_EQ(quoted("a'b`c", 20), "'a’b’c'");
  EXPECT_EQ(quoted("a\nb\x01\xff", 20), std::string("'a\\nb?") + "?'");
  EXPECT_EQ(quoted("\\n \"x\" @y $z %s {/b}", 40), "'\\n \"x\" @y $z %s {/b}'");
  EXPECT_EQ(quoted("ééééé", 5), "'ééééé'");
  EXPECT_EQ(quoted("éééééé", 5), "'ééééé…'");
  const std::string evil = "x'; system('touch /tmp/x'); print '`id`\nEOD\nsystem(1)";
  const std::string script = script_of({processed({.hw = evil, .precision = evil, .model = "dsr1" + evil})},
                                       Metric::MedianE2el, evil);
  EXPECT_THAT(script, Not(HasSubstr("system('")));
  EXPECT_THAT(script, Not(HasSubstr("`")));
  EXPECT_THAT(script, Not(HasSubstr("\nsystem")));
}

TEST(PlotScript, LegendShortensOnlyTheHardwareName) {
  const std::string name(60, 'x');
  const std::string script = script_of({processed({.hw = name, .framework = "trt"}),
                                        processed({.hw = name, .framework = "sglang", .precision = "fp8"})});
  EXPECT_THAT(script, HasSubstr("X… trt (fp4)'"));
  EXPECT_THAT(script, HasSubstr("X… sglang (fp8)'"));
}

TEST(PlotScript, LegendOfManySeriesFitsIntoThePicture) {
  std::vector<Document> documents;
  for (int i = 0; i < 60; ++i)
    documents.push_back(processed({.hw = "chip" + std::to_string(i), .latency = 1.0 + i}));
  const std::string script = script_of(documents);
  const auto at = script.find("set rmargin at screen ");
  ASSERT_NE(at, std::string::npos);
  const double right = 1600 * std::stod(script.substr(at + 22));
  constexpr double kTwoColumns = 2 * (45 + 7.0 * 20);  // "Hardware + Framework" is the widest here
  EXPECT_LT(right + 25 + kTwoColumns, 1600);
}

TEST(PlotScript, NothingToDrawGivesAValidProgram) {
  Document none = processed({});
  none.json.erase("median_e2el");
  EXPECT_THAT(script_of({none}), HasSubstr("plot NaN notitle"));
}

}  // namespace
}  // namespace sweep::report
