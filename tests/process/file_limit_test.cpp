// A limit on file sizes (ulimit -f) is an error with words, and leaves no temporary file behind.
#include <csignal>

#include "tests/process/program.hpp"

namespace sweep {
namespace {

class FileLimit : public ProcessTest {
 protected:
  /// Runs sweepctl with files limited to `blocks` of 512 bytes.
  Program limited(int blocks, const std::string& words) const {
    return {directory_,
            {"/bin/sh", "-c",
             "ulimit -f " + std::to_string(blocks) + "; exec " + SWEEP_BIN_DIR + "/sweepctl " + words}};
  }
  std::vector<std::string> temporary_files() const {
    std::vector<std::string> out;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory_)) {
      if (file.path().filename().string().find(".tmp-") != std::string::npos) out.push_back(file.path());
    }
    return out;
  }
};

TEST_F(FileLimit, CollectReportsIt) {
  std::filesystem::create_directory(path("results"));
  write("results/a.json", "{\"text\": \"" + std::string(4'000, 'x') + "\"}");
  Program collect = limited(1, "collect results x");
  EXPECT_EQ(collect.finish(), 1);
  EXPECT_NE(collect.err().find("File too large"), std::string::npos) << collect.err();
  EXPECT_TRUE(temporary_files().empty()) << temporary_files().front();
}

TEST_F(FileLimit, SweepThatCannotWriteItsJournalSaysSo) {
  write_matrix({1});
  write("good.sh", kGoodBenchmark, true);
  Program run = limited(2, "run --profile profile.yaml --output out matrix.yaml -- ./good.sh");
  EXPECT_EQ(run.finish(), 1);
  EXPECT_NE(run.err().find("File too large"), std::string::npos) << run.err();
  EXPECT_TRUE(temporary_files().empty()) << temporary_files().front();
}

}  // namespace
}  // namespace sweep
