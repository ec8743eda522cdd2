// Journals that are empty, missing, truncated, or lack results that their events promise.
#include <filesystem>

#include "controller/io/folder_owner.hpp"
#include "controller/io/outputs.hpp"
#include "tests/unit/damage_bytes.hpp"
#include "tests/unit/opening_sample.hpp"

namespace sweep {
namespace {

class Recovery : public OpeningTest {
 protected:
  /// Leaves a sweep whose first two of four points are done, with the files that its controller writes.
  void interrupted_with_files() {
    OpenedSweep opened = begin();
    ASSERT_TRUE(write_matrix(out_, opened.sweep.plan));
    join_agent(opened);
    const std::string raw = bytes_of(SWEEP_SOURCE_DIR "/tests/unit/data/client_result.json");
    for (int i = 0; i < 2; ++i) {
      const core::AttemptRef ref = start_next(opened);
      journal::Batch batch;
      batch.results.push_back({ref, "n1", true, raw});
      decide(opened, core::AttemptFinished{"12.0.0", ref, {}, Millis(900)}, std::move(batch));
      const int index = core::find_point(opened.sweep.state, ref.point);
      ASSERT_TRUE(
          write_result_files(out_, result_filename(opened.sweep.plan, index, "n1"), raw, "{}", Sync::No));
      ids_.push_back(ref.point);
    }
    ASSERT_TRUE(opened.journal.finish());
    remove_control_file(out_);
  }
  /// Expects that a resume keeps both results.
  void expect_recovered() {
    EXPECT_TRUE(check(wishes()));
    const auto resumed = resume(wishes());
    ASSERT_TRUE(resumed) << resumed.error().message;
    EXPECT_EQ(resumed->sweep.state.count(PointState::Done), 2);
    EXPECT_EQ(resumed->sweep.state.count(PointState::Pending), 2);
    for (const std::string& id : ids_) {
      const int index = core::find_point(resumed->sweep.state, id);
      ASSERT_GE(index, 0) << "the points have other ids";
      EXPECT_EQ(core::point_at(resumed->sweep.state, index).state, PointState::Done);
    }
    EXPECT_THAT(notes_, testing::Contains(HasSubstr("taken from raw/")));
  }

  std::vector<std::string> ids_;
};

TEST_F(Recovery, EmptyJournalIsMadeAgainFromMatrixAndRawFiles) {
  interrupted_with_files();
  put_bytes(journal_path(out_), "");
  expect_recovered();
}

TEST_F(Recovery, DeletedJournalIsMadeAgainFromMatrixAndRawFiles) {
  interrupted_with_files();
  std::filesystem::remove(journal_path(out_));
  expect_recovered();
}

TEST_F(Recovery, FileThatIsNotADatabaseIsReplaced) {
  interrupted_with_files();
  put_bytes(journal_path(out_), std::string(50'000, 'x'));
  expect_recovered();
}

TEST_F(Recovery, TruncatedJournalIsRecoveredWhereverItEnds) {
  interrupted_with_files();
  const std::string bytes = bytes_of(journal_path(out_));
  int with_both = 0, all = 0;
  for (std::size_t size = 0; size < bytes.size(); size += 4096) {
    std::filesystem::remove(journal_path(out_));
    put_bytes(journal_path(out_), bytes.substr(0, size));
    const auto resumed = resume(wishes());
    EXPECT_TRUE(resumed) << size << ": " << resumed.error().message;
    ++all;
    if (resumed && resumed->sweep.state.count(PointState::Done) == 2) ++with_both;
  }
  EXPECT_EQ(with_both, all);
}

TEST_F(Recovery, ResultThatEventsPromiseIsTakenFromRawFiles) {
  interrupted_with_files();
  {
    auto database = journal::Database::open(journal_path(out_), journal::Database::Mode::ReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("DELETE FROM results"));
  }
  expect_recovered();
}

TEST_F(Recovery, ResultThatEventsPromiseAndThatIsNowhereRunsAgain) {
  static_cast<void>(interrupted());
  {
    auto database = journal::Database::open(journal_path(out_), journal::Database::Mode::ReadWrite);
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute("DELETE FROM results"));
  }
  const auto resumed = resume(wishes());
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_EQ(resumed->sweep.state.count(PointState::Done), 0);
  EXPECT_THAT(notes_, testing::Contains(HasSubstr("the point will run again")));
}

TEST_F(Recovery, EmptyJournalWithoutResultsDoesNotBlockItsFolder) {
  std::filesystem::create_directory(out_);
  put_bytes(journal_path(out_), "");
  EXPECT_TRUE(check_output_dir(out_, "x"));
  EXPECT_THAT(refusal(wishes()), HasSubstr("it never began"));
  const auto claimed = claim_output_dir(out_, "x", kBegun);
  ASSERT_TRUE(claimed) << claimed.error().message;
  EXPECT_TRUE(begin_sweep(new_sweep(entries()), out_));
}

TEST_F(Recovery, EmptyJournalWithResultsIsNotOverwritten) {
  interrupted_with_files();
  put_bytes(journal_path(out_), "");
  const auto claimed = claim_output_dir(out_, "x", kBegun);
  ASSERT_FALSE(claimed);
  EXPECT_THAT(claimed.error().message, HasSubstr("add --sweep-resume to recover that sweep"));
}

TEST_F(Recovery, HalfMadeJournalOfAKilledProcessIsRemoved) {
  std::filesystem::create_directory(out_);
  put_bytes(journal_path(out_) + ".tmp-1", "half");
  ASSERT_TRUE(claim_output_dir(out_, "x", kBegun));
  ASSERT_TRUE(begin_sweep(new_sweep(entries()), out_));
  EXPECT_FALSE(std::filesystem::exists(journal_path(out_) + ".tmp-1"));
}

TEST(FolderOwner, RootBecomesTheLastOwnerOnThePathWhoIsNotRoot) {
  EXPECT_EQ(user_to_become(0, 1000, {0, 0, 1000}), uid_t{1000});
  EXPECT_EQ(user_to_become(0, 1000, {0, 1001, 1000}), uid_t{1000});
  EXPECT_EQ(user_to_become(0, 0, {0, 1000, 1001, 0}), uid_t{1001}) << "root's folder below a user's";
  EXPECT_EQ(user_to_become(0, 0, {0, 0}), std::nullopt);
  EXPECT_EQ(user_to_become(1000, 1001, {1001}), std::nullopt) << "only root can";
}

}  // namespace
}  // namespace sweep
