// agent/io/gpu_metrics_files on a real folder: what is kept comes out whole, under its name, or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/io/gpu_metrics_files.hpp"
#include "agent/io/machine.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/net_loop.hpp"

namespace sweep::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class GpuMetricsFolder : public InFolder {
 protected:
  /// Returns the answer to this action.
  std::string problem_of(const LeaveGpuMetrics& what) {
    answers_.clear();
    files_.leave(what);
    EXPECT_TRUE(run_until(loop_, [&] { return !answers_.empty(); }));
    if (answers_.empty()) return "no answer";
    EXPECT_EQ(answers_[0].ref, what.ref);
    return answers_[0].problem;
  }
  std::string text_of(const std::string& name) const {
    return read_file(path(name), std::size_t{1} << 24).value_or("(cannot be read)");
  }

  EventLoop loop_;
  std::vector<GpuMetricsLeft> answers_;
  GpuMetricsFiles files_{
      loop_, [this](Input input) { answers_.push_back(std::get<GpuMetricsLeft>(std::move(input))); }};
};

TEST_F(GpuMetricsFolder, TextsOfAttemptsAreKeptApartAndWhole) {
  const AttemptRef one{"p", 1}, two{"p", 2};
  std::string all;
  for (int i = 0; i < 5'000; ++i) {
    const std::string line = "line " + std::to_string(i) + " of the first attempt\n";
    files_.keep({one, line});
    if (i % 1'000 == 0) files_.keep({two, "x\n"});
    all += line;
  }
  EXPECT_EQ(problem_of({one, path("gpu_metrics.csv"), std::nullopt}), "");
  EXPECT_EQ(text_of("gpu_metrics.csv"), all);
  EXPECT_EQ(problem_of({two, path("second.csv"), std::nullopt}), "");
  EXPECT_EQ(text_of("second.csv"), "x\nx\nx\nx\nx\n");
  EXPECT_THAT(listing(), testing::UnorderedElementsAre("gpu_metrics.csv", "second.csv"));
}

TEST_F(GpuMetricsFolder, OldFileIsReplacedAndNewOneIsKept) {
  const std::string file = put("m.csv", "old");
  const auto old = stamp_of(file);
  files_.keep({{"p", 1}, "new"});
  EXPECT_EQ(problem_of({{"p", 1}, file, old}), "");
  EXPECT_EQ(text_of("m.csv"), "new");
  put("m.csv", "of the script");
  files_.keep({{"q", 1}, "ours"});
  EXPECT_EQ(problem_of({{"q", 1}, file, old}), "");
  EXPECT_EQ(text_of("m.csv"), "of the script");
}

TEST_F(GpuMetricsFolder, LinkIsReplacedNotFollowed) {
  put("target", "precious");
  std::filesystem::create_symlink("target", path("m.csv"));
  files_.keep({{"p", 1}, "new"});
  EXPECT_EQ(problem_of({{"p", 1}, path("m.csv"), stamp_of(path("m.csv"))}), "");
  EXPECT_EQ(text_of("target"), "precious");
  EXPECT_EQ(text_of("m.csv"), "new");
}

TEST_F(GpuMetricsFolder, FolderThatIsGoneIsAProblemAndLeavesNothing) {
  files_.keep({{"p", 1}, "new"});
  EXPECT_THAT(problem_of({{"p", 1}, path("gone/m.csv"), std::nullopt}),
              HasSubstr("No such file or directory"));
  EXPECT_THAT(listing(), IsEmpty());
}

TEST_F(GpuMetricsFolder, DroppedTextDoesNotComeBack) {
  files_.keep({{"p", 1}, "first\n"});
  files_.drop({{"p", 1}});
  files_.keep({{"p", 1}, "second\n"});
  EXPECT_EQ(problem_of({{"p", 1}, path("m.csv"), std::nullopt}), "");
  EXPECT_EQ(text_of("m.csv"), "second\n");
}

}  // namespace
}  // namespace sweep::agent
