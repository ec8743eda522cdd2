// IncomingFiles: files of attempts arrive under a temporary folder and get their names at once.
#include "controller/io/incoming_files.hpp"
#include "tests/unit/opening_sample.hpp"

namespace sweep {
namespace {

namespace fs = std::filesystem;

class IncomingFilesTest : public OpeningTest {
 protected:
  /// Writes a file, and makes the folders above it.
  void place(const std::string& name, const std::string& bytes) const {
    fs::create_directories(fs::path(path(name)).parent_path());
    put(name, bytes);
  }
  void SetUp() override {
    OpeningTest::SetUp();
    ASSERT_TRUE(claim_output_dir(out_, "x", kBegun));
    sweep_ = new_sweep(entries());
    ref_ = {sweep_.plan.points[0].id, 1};
    core::AgentInfo agent;
    agent.id = "a";
    agent.node = "n1";
    agent.gpus = {"0", "1", "2", "3", "4", "5", "6", "7"};
    std::ignore = core::advance(sweep_.state, core::Hello{agent}, kBegun);
    std::ignore = core::advance(sweep_.state, core::Ready{"a"}, kBegun);
    ASSERT_NE(core::find_attempt(sweep_.state, ref_), nullptr);
    name_ = result_filename(sweep_.plan, 0, "n1");
  }
  std::string text(const std::string& name) const {
    return read_file(out_ + "/" + name, 1 << 20).value_or("(none)");
  }
  std::string folder() const { return ".incoming/" + ref_.point + ".1"; }
  static std::string problem(const Expected<void>& done) { return done ? "" : done.error().message; }

  Sweep sweep_;
  core::AttemptRef ref_;
  std::string name_;
  const std::vector<Artifact> list_ = {{"deep/er/x", 5}, {"empty", 0}, {"server.log", 3}};
};

TEST_F(IncomingFilesTest, GetTheirNamesWhenAllAreThere) {
  IncomingFiles files(out_, sweep_.plan, sweep_.state);
  const auto begun = files.begin(ref_, list_);
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(begun->file, 0u);
  EXPECT_EQ(problem(files.write(ref_, list_[0], 0, "abc", false)), "");
  EXPECT_THAT(problem(files.write(ref_, list_[0], 0, "abc", false)),
              HasSubstr("was changed while it arrived"));
  EXPECT_FALSE(fs::exists(out_ + "/raw/" + name_));
  // A restarted controller.
  IncomingFiles again(out_, sweep_.plan, sweep_.state);
  EXPECT_EQ(again.begin(ref_, list_)->offset, 3);
  EXPECT_EQ(problem(again.write(ref_, list_[0], 3, "de", true)), "");
  EXPECT_EQ(again.begin(ref_, list_)->file, 2u);
  EXPECT_EQ(problem(again.write(ref_, list_[2], 0, "log", true)), "");
  EXPECT_EQ(again.begin(ref_, list_)->file, 3u);
  EXPECT_EQ(problem(again.install(ref_)), "");
  EXPECT_EQ(text("raw/" + name_ + "/deep/er/x"), "abcde");
  EXPECT_EQ(text("raw/" + name_ + "/empty"), "");
  EXPECT_EQ(text("logs/" + name_ + "/server.log"), "log");
  again.discard(ref_);
  EXPECT_FALSE(fs::exists(out_ + "/" + folder()));
}

TEST_F(IncomingFilesTest, OfAnotherListAreNotContinued) {
  IncomingFiles files(out_, sweep_.plan, sweep_.state);
  ASSERT_TRUE(files.begin(ref_, list_));
  ASSERT_TRUE(files.write(ref_, list_[0], 0, "abcde", true));
  const auto begun = files.begin(ref_, {{"deep/er/x", 4}});
  ASSERT_TRUE(begun) << begun.error().message;
  EXPECT_EQ(begun->offset, 0);
  // A file that is not wanted any more does not stay.
  ASSERT_TRUE(files.write(ref_, list_[0], 0, "abcde", true));
  ASSERT_TRUE(files.begin(ref_, {{"server.log", 3}}));
  ASSERT_TRUE(files.write(ref_, list_[2], 0, "log", true));
  ASSERT_TRUE(files.install(ref_));
  EXPECT_FALSE(fs::exists(out_ + "/raw/" + name_));
}

TEST_F(IncomingFilesTest, ReplaceThoseOfAnEarlierAttempt) {
  place("out/raw/" + name_ + "/old", "old");
  place("out/logs/" + name_ + "/server.log", "old");
  IncomingFiles files(out_, sweep_.plan, sweep_.state);
  ASSERT_TRUE(files.begin(ref_, {{"x", 1}}));
  ASSERT_TRUE(files.write(ref_, {"x", 1}, 0, "x", true));
  ASSERT_TRUE(files.install(ref_));
  EXPECT_EQ(text("raw/" + name_ + "/old"), "(none)");
  EXPECT_EQ(text("logs/" + name_ + "/server.log"), "(none)");
  EXPECT_EQ(text("raw/" + name_ + "/x"), "x");
  files.clear(ref_);
  EXPECT_FALSE(fs::exists(out_ + "/raw/" + name_));
}

TEST_F(IncomingFilesTest, LinksInTheOutputDirectoryAreNotFollowed) {
  fs::create_directory(path("private"));
  place("private/file", "mine");
  fs::create_symlink(path("private"), out_ + "/.incoming");
  IncomingFiles files(out_, sweep_.plan, sweep_.state);
  EXPECT_FALSE(files.begin(ref_, list_));
  fs::remove(out_ + "/.incoming");
  ASSERT_TRUE(files.begin(ref_, list_));
  fs::create_symlink(path("private/file"), out_ + "/" + folder() + "/logs/server.log");
  EXPECT_THAT(problem(files.write(ref_, list_[2], 0, "log", true)), HasSubstr("symbolic link"));
  fs::create_symlink(path("private"), out_ + "/raw/" + name_);
  ASSERT_TRUE(files.install(ref_));
  EXPECT_EQ(text("../private/file"), "mine");
  EXPECT_FALSE(fs::exists(path("private/empty")));
}

TEST_F(IncomingFilesTest, FoldersOfNoAcceptedAttemptAreRemoved) {
  place("out/raw/" + name_ + "/x", "x");
  place("out/logs/" + name_ + "/server.log", "x");
  place("out/raw/notes/x", "of the user");
  remove_unaccepted_files(out_, sweep_.plan, sweep_.state);
  EXPECT_FALSE(fs::exists(out_ + "/raw/" + name_));
  EXPECT_FALSE(fs::exists(out_ + "/logs/" + name_));
  EXPECT_EQ(text("raw/notes/x"), "of the user");

  core::AttemptFinished finished{"a", ref_, Outcome{}};
  finished.account.collected = Collected{1, 1, {}};
  std::ignore = core::advance(sweep_.state, finished, kBegun);
  place("out/raw/" + name_ + "/x", "x");
  remove_unaccepted_files(out_, sweep_.plan, sweep_.state);
  EXPECT_EQ(text("raw/" + name_ + "/x"), "x");
}

}  // namespace
}  // namespace sweep
