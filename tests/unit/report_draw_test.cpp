// controller/report/plot: pictures drawn by gnuplot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "controller/report/plot.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/report_samples.hpp"
#include "util/json.hpp"

namespace sweep::report {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Size {
  unsigned width = 0, height = 0;
};

// Returns width and height from the PNG's IHDR chunk, which is always the first; 0 x 0 if the file is not a
// PNG.
Size png_size(const std::string& file) {
  const auto bytes = read_file(file, 64 << 20);
  EXPECT_TRUE(bytes) << bytes.error().message;
  if (!bytes || bytes->size() < 24 || !bytes->starts_with("\x89PNG\r\n\x1a\n") ||
      bytes->substr(12, 4) != "IHDR")
    return {};
  EXPECT_THAT(bytes->substr(bytes->size() - 12), HasSubstr("IEND")) << "the file is truncated";
  const auto number = [&](std::size_t at) {
    unsigned value = 0;
    for (std::size_t i = 0; i < 4; ++i)
      value = value << 8 | static_cast<unsigned char>((*bytes)[at + i]);
    return value;
  };
  return {number(16), number(20)};
}

std::vector<Document> sweep_results() {
  std::vector<Document> out;
  for (const char* framework : {"sglang", "trt"}) {
    for (const int conc : {4, 32, 128})
      out.push_back(processed({.framework = framework,
                               .conc = conc,
                               .latency = 3.0 + conc / 10.0,
                               .interactivity = 200.0 - conc,
                               .throughput = 100.0 + 8 * conc}));
  }
  return out;
}

class Draw : public InFolder {};

TEST_F(Draw, DrawsTwoPicturesPerFamily) {
  auto documents = sweep_results();
  documents.push_back(processed({.hw = "cpu", .precision = "bf16", .model = "openai/gpt-oss-120b"}));
  const auto paths = plot(rows_of(documents), "all", folder_);
  ASSERT_TRUE(paths) << paths.error().message;
  EXPECT_THAT(*paths, ElementsAre(path("tput_vs_e2el_dsr1_all.png"), path("tput_vs_e2el_gpt_all.png"),
                                  path("tput_vs_intvty_dsr1_all.png"), path("tput_vs_intvty_gpt_all.png")));
  EXPECT_EQ(listing().size(), 4u) << "no other files are written";
  for (const std::string& file : *paths) {
    EXPECT_GE(png_size(file).width, 1200u) << file;
    EXPECT_GE(png_size(file).height, 800u) << file;
  }
}

TEST_F(Draw, TextFromResultsExecutesNothing) {
  const std::string evil = "'; system(\"touch " + path("ran") + "\"); x='`touch " + path("ran") + "`";
  const auto paths =
      plot(rows_of(std::vector{processed({.hw = evil, .framework = evil, .precision = evil}),
                               processed({.hw = evil, .framework = "\\", .precision = "%s @x {/Bold"})}),
           evil, folder_);
  ASSERT_TRUE(paths) << paths.error().message;
  EXPECT_EQ(paths->size(), 2u);
  for (const std::string& file : *paths)
    EXPECT_GT(png_size(file).width, 0u);
  EXPECT_FALSE(std::filesystem::exists(path("ran")));
}

TEST_F(Draw, ExtremeNumbersStillGiveAPicture) {
  for (const std::vector<double>& values :
       {std::vector<double>{0, 1e-300, 1e300, -5}, {1e-200, 1e200}, {5e-324, 1.7e308}, {-1.7e308, 1.7e308}}) {
    std::vector<Document> documents;
    for (const double value : values)
      documents.push_back(
          processed({.latency = value, .interactivity = value == 0 ? 1 : value, .throughput = value}));
    const auto paths = plot(rows_of(documents), "odd", folder_);
    ASSERT_TRUE(paths) << paths.error().message << " with " << testing::PrintToString(values);
    for (const std::string& file : *paths)
      EXPECT_GT(png_size(file).width, 0u) << file;
  }
}

TEST_F(Draw, NothingToDrawIsNotAnError) {
  for (const std::vector<Document>& documents :
       {std::vector<Document>{}, {{"", Json::parse("{\"hw\": 1}")}}}) {
    const auto paths = plot(rows_of(documents), "all", folder_);
    ASSERT_TRUE(paths) << paths.error().message;
    EXPECT_THAT(*paths, IsEmpty());
  }
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(Draw, FailureLeavesTheOldPictureIntact) {
  const std::string old = put("tput_vs_e2el_dsr1_all.png", "old");
  const std::string bin = path("bin");
  std::filesystem::create_directory(bin);
  put("bin/gnuplot", "#!/bin/sh\necho 'line 3: something is wrong'\nexit 3\n");
  const std::string before = std::getenv("PATH");
  ::setenv("PATH", (bin + ":" + before).c_str(), 1);
  const auto failed = plot(rows_of(sweep_results()), "all", folder_);
  ::setenv("PATH", bin.c_str(), 1);
  std::filesystem::remove(bin + "/gnuplot");
  const auto missing = plot(rows_of(sweep_results()), "all", folder_);
  ::setenv("PATH", before.c_str(), 1);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message,
            "cannot draw plots: gnuplot ended with status 3: line 3: something is wrong");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("install the package gnuplot-nox"));
  EXPECT_EQ(*read_file(old, 100), "old");
}

TEST_F(Draw, ErrorNamesMissingFolder) {
  const auto paths = plot(rows_of(sweep_results()), "all", path("none"));
  ASSERT_FALSE(paths);
  EXPECT_THAT(paths.error().message, HasSubstr(path("none")));
}

}  // namespace
}  // namespace sweep::report
