// controller/report/highlights: the best results and the frontier below the table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/report/highlights.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::vector<Document> kDocuments = {
    processed({.conc = 64, .interactivity = 50, .throughput = 900}),
    processed({.framework = "trt", .tp = 4, .conc = 4, .interactivity = 120, .throughput = 300}),
    processed({.conc = 8, .interactivity = 40, .throughput = 100})};

const std::vector<Row> kResults = rows_of(kDocuments);

TEST(Highlights, BestIsPerExperimentAndModel) {
  EXPECT_THAT(
      highlights_text(find_highlights(kResults)),
      HasSubstr("\nBest of dsr1\n"
                "  throughput per GPU  900.0000 tok/s (50.0000 tok/s/user): B200 sglang fp4 tp8 ep1 conc64, "
                "deepseek-ai/DeepSeek-R1-0528\n"
                "  interactivity       120.0000 tok/s/user (300.0000 tok/s per GPU): B200 trt fp4 tp4 ep1 "
                "conc4, deepseek-ai/DeepSeek-R1-0528\n"));
  auto two = kResults;
  two[0].exp_name = "dsr1_8k1k";
  EXPECT_THAT(highlights_text(find_highlights(two)),
              HasSubstr("Best of dsr1_8k1k, dsr1\n  throughput per GPU  900.0"));
  EXPECT_THAT(highlights_text(find_highlights(two)), HasSubstr("Best of dsr1\n  throughput per GPU  300.0"));
}

TEST(Highlights, FrontierIsPerHardwareAndFramework) {
  const std::string text = highlights_text(find_highlights(kResults));
  EXPECT_THAT(text, HasSubstr("Pareto frontier per hardware and framework"));
  EXPECT_THAT(text, HasSubstr("|   64 |"));
  EXPECT_THAT(text, HasSubstr("|    4 |")) << "the frontier of trt";
  EXPECT_THAT(text, Not(HasSubstr("|    8 |")));
  EXPECT_EQ(highlights_text(find_highlights(std::vector<Row>{})), "");
}

TEST(Highlights, StandInIsNotComparedWithHardware) {
  auto documents = kDocuments;
  documents.push_back(processed({.conc = 1, .interactivity = 999, .throughput = 9999}));
  documents.back().json["stand_in"] = "cpu";
  const std::vector<Row> results = rows_of(documents);
  EXPECT_THAT(highlights_text(find_highlights(results)),
              HasSubstr("Best of dsr1\n  throughput per GPU  900.0"));
  EXPECT_THAT(highlights_text(find_highlights(results)),
              HasSubstr("Best of dsr1 (stand-in: cpu)\n  throughput per GPU  9999.0"));
  EXPECT_EQ(highlights_json(find_highlights(results))["frontier"].size(), 3u)
      << "two of the hardware and one of the stand-in";
}

TEST(Highlights, WritesJson) {
  const auto json = highlights_json(find_highlights(kResults));
  EXPECT_EQ(json["best"].at(0)["family"], "dsr1");
  EXPECT_EQ(json["best"][0]["tput_per_gpu"]["conc"], 64);
  EXPECT_EQ(json["best"][0]["median_intvty"]["conc"], 4);
  EXPECT_EQ(json["frontier"].size(), 2u);
}

}  // namespace
}  // namespace sweep::report
