// A new sweep's claim to its directory, and the resume of one: what goes on, what is refused, what is said.
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

class BeginSweep : public OpeningTest {};

TEST_F(BeginSweep, MakesItsDirectoryWithAJournalAndKeysOfItsOwn) {
  const OpenedSweep entry = begin();
  EXPECT_TRUE(std::filesystem::is_directory(out_ + "/raw"));
  EXPECT_TRUE(std::filesystem::is_directory(out_ + "/logs"));
  EXPECT_TRUE(std::filesystem::exists(out_ + "/sweep.db"));
  EXPECT_NE(entry.server_keys.public_key, entry.client_keys.public_key);
  EXPECT_FALSE(entry.admits);
}

TEST_F(BeginSweep, ADirectoryWithASweepIsRefusedWithBothWaysOut) {
  static_cast<void>(interrupted());
  const auto again = claim_output_dir(out_, "x", kBegun);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message,
              testing::AllOf(HasSubstr(out_), HasSubstr("another sweep"), HasSubstr("--sweep-output"),
                             HasSubstr("--sweep-resume")));
  EXPECT_EQ(check_output_dir(out_).error().message, again.error().message);
  EXPECT_FALSE(begin_sweep(new_sweep(entries()), out_)) << "the journal was there already";
}

TEST_F(BeginSweep, ADirectoryOfALiveSweepIsRefusedWithItsControllersHostAndPid) {
  const OpenedSweep entry = begin();
  const auto second = claim_output_dir(out_, "x", kBegun);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, testing::AllOf(HasSubstr("running"), HasSubstr("login1, pid 4711"),
                                                     HasSubstr("choose another --sweep-output")));
  remove_control_file(out_);
  EXPECT_THAT(claim_output_dir(out_, "x", kBegun).error().message, HasSubstr("in use by another process"));
}

TEST_F(BeginSweep, TwoSweepsOfOneSecondHaveDirectoriesOfTheirOwn) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const auto first = claim_output_dir("", "a/b", kBegun), second = claim_output_dir("", "a/b", kBegun);
  std::filesystem::current_path(before);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*second, *first + "_2");
  EXPECT_EQ(std::filesystem::path(*first).parent_path(), folder_);
}

class ResumeSweep : public OpeningTest {};

TEST_F(ResumeSweep, DoneAndFailedStayTheRestIsToBeRun) {
  static_cast<void>(interrupted());
  const auto entry = resume(wishes());
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_THAT(states(entry->sweep),
              ElementsAre(PointState::Done, PointState::Failed, PointState::Pending, PointState::Pending));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ResumeSweep, IsTheSameSweepInAnotherSession) {
  const std::string old_key = interrupted();
  const auto entry = resume(wishes());
  ASSERT_TRUE(entry) << entry.error().message;
  const view::Facts& facts = entry->sweep.facts;
  EXPECT_EQ(facts.sweep, "5eed");
  EXPECT_EQ(facts.opened, kBegun);
  EXPECT_THAT(facts.configs, ElementsAre("/c/first.yaml"));
  EXPECT_EQ(facts.select, "--framework sglang");
  EXPECT_EQ(facts.directory, out_);
  EXPECT_EQ(facts.job, "13.0");
  EXPECT_TRUE(entry->sweep.state.resumed);
  EXPECT_NE(entry->server_keys.public_key, old_key) << "agents of before would be let in";
  EXPECT_THAT(entry->sweep.state.agents,
              testing::Each(testing::Field(&std::pair<const std::string, core::AgentStatus>::second,
                                           testing::Field(&core::AgentStatus::gone, true))));
}

TEST_F(ResumeSweep, IsInTheJournalWhenItReturns) {
  static_cast<void>(interrupted());
  { ASSERT_TRUE(resume(wishes())); }
  const auto archive = open_archive(out_);
  ASSERT_TRUE(archive) << archive.error().message;
  EXPECT_EQ(archive->sweep.facts.job, "13.0");
  EXPECT_EQ(archive->sweep.facts.version, "9.9.9");
  EXPECT_THAT(states(archive->sweep),
              ElementsAre(PointState::Done, PointState::Failed, PointState::Pending, PointState::Pending));
}

TEST_F(ResumeSweep, FailedPointsAreTriedAgainOnRequest) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = wishes();
  wanted.retry_failed = true;
  const auto entry = resume(wanted);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_THAT(states(entry->sweep),
              ElementsAre(PointState::Done, PointState::Pending, PointState::Pending, PointState::Pending));
}

TEST_F(ResumeSweep, HasTheProfileOfToday) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = wishes();
  wanted.profile.env = {{"A", "today"}};
  wanted.profile.retries.infrastructure = 0;  // the attempts of before broke no rule of theirs
  const auto entry = resume(wanted);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->sweep.plan.profile.env, wanted.profile.env);
  EXPECT_EQ(entry->sweep.state.settings.infrastructure_retries, 0);
}

TEST_F(ResumeSweep, TheSameMatrixFromAFileIsNoChange) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = with_matrix(entries());
  ASSERT_TRUE(check_resume(out_, wanted, now_));
  const auto entry = resume(wanted);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_THAT(entry->sweep.facts.configs, ElementsAre("/c/second.yaml"));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ResumeSweep, AChangedMatrixIsRefusedPointByPointAndNothingIsTouched) {
  static_cast<void>(interrupted());
  const std::string why =
      refusal(with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 8), sample_entry(8, 64)}));
  EXPECT_THAT(why, testing::AllOf(HasSubstr("--sweep-accept-changes"), HasSubstr("--accept-changes"),
                                  HasSubstr("\n  removed  dsr1_1k8k fp4 sglang b200 tp8 conc1"),
                                  HasSubstr("\n  added    dsr1_1k8k fp4 sglang b200 tp8 conc64"),
                                  Not(HasSubstr("conc2"))));
  const auto archive = open_archive(out_);
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->sweep.facts.job, "12.0") << "the refused resume has left a trace";
  EXPECT_EQ(archive->sweep.plan.points.size(), 4U);
}

TEST_F(ResumeSweep, ALongListOfChangesIsCutWithItsNumber) {
  static_cast<void>(interrupted());
  std::vector<ordered_json> many = entries();
  for (int conc = 101; conc <= 130; ++conc)
    many.push_back(sample_entry(8, conc));
  const std::string why = refusal(with_matrix(many));
  EXPECT_EQ(std::count(why.begin(), why.end(), '\n'), 21) << why;
  EXPECT_THAT(why, HasSubstr("\n  and 10 more"));
}

TEST_F(ResumeSweep, AnAcceptedChangeKeepsWhatIsDoneAndPutsTheRestAside) {
  static_cast<void>(interrupted());
  put("out/raw/dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json", "raw");
  put("out/agg_dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json", "agg");
  ResumeWishes wanted = with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 64)});
  wanted.accept_changes = true;
  ASSERT_TRUE(check_resume(out_, wanted, now_));
  {
    const auto entry = resume(wanted);
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_THAT(states(entry->sweep),
                ElementsAre(PointState::Failed, PointState::Pending, PointState::Pending,
                            PointState::Withdrawn, PointState::Withdrawn));
    EXPECT_EQ(core::total_points(entry->sweep.state), 3);
  }
  EXPECT_THAT(notes_, testing::SizeIs(3)) << "what has changed is said";
  EXPECT_TRUE(
      std::filesystem::exists(out_ + "/withdrawn/dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json"));
  EXPECT_TRUE(
      std::filesystem::exists(out_ + "/withdrawn/agg_dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json"));

  // And back: the result was in the journal all the time.
  wanted = with_matrix(entries());
  wanted.accept_changes = true;
  const auto back = resume(wanted);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(states(back->sweep)[0], PointState::Done);
}

TEST_F(ResumeSweep, WithNothingLeftItSaysSo) {
  {
    OpenedSweep entry = begin();
    arrive(entry);
    for (int i = 0; i < 4; ++i)
      end_next(entry, i == 0 ? OutcomeKind::BenchmarkFailed : OutcomeKind::Ok);
  }
  EXPECT_EQ(refusal(wishes()),
            "nothing is left to resume: 3 of 4 points done, 1 failed; --sweep-retry-failed (sweepctl run "
            "--retry-failed) tries those again");
  ResumeWishes wanted = wishes();
  wanted.retry_failed = true;
  EXPECT_TRUE(check_resume(out_, wanted, now_));
  wanted = with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 8)});
  wanted.accept_changes = true;
  const auto entry = resume(wanted);
  ASSERT_FALSE(entry);
  EXPECT_EQ(entry.error().message, "nothing is left to resume: 3 of 3 points done");
}

TEST_F(ResumeSweep, WhileItsControllerLivesItIsRefusedWithWhatToDo) {
  const OpenedSweep entry = begin();
  const auto directory = claimed_output_dir(out_);
  ASSERT_FALSE(directory);
  EXPECT_THAT(directory.error().message,
              testing::AllOf(HasSubstr("still at work"), HasSubstr("controller on login1, pid 4711"),
                             HasSubstr("sweepctl cancel " + out_), HasSubstr("then resume"),
                             Not(HasSubstr("choose another"))));
  const auto second = resume(wishes());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("in use by another process"));
}

TEST_F(ResumeSweep, TheControlFileOfADeadControllerIsNoObstacle) {
  static_cast<void>(interrupted());
  const auto directory = claimed_output_dir(out_ + "//");
  ASSERT_TRUE(directory) << directory.error().message;
  EXPECT_EQ(*directory, out_);
}

TEST_F(ResumeSweep, WithoutASweepThereIsNothingToResume) {
  EXPECT_THAT(claimed_output_dir("").error().message, HasSubstr("--sweep-output"));
  EXPECT_THAT(claimed_output_dir(path("none")).error().message, HasSubstr("the directory is not there"));
  std::filesystem::create_directory(path("empty"));
  EXPECT_THAT(claimed_output_dir(path("empty")).error().message, HasSubstr("it has no sweep.db"));
}

TEST_F(ResumeSweep, HalfWrittenFilesOfTheDeadControllerGo) {
  static_cast<void>(interrupted());
  put("out/raw/x.json.tmp-abc", "half");
  put("out/raw/x.json", "whole");
  ASSERT_TRUE(resume(wishes()));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/raw/x.json.tmp-abc"));
  EXPECT_TRUE(std::filesystem::exists(out_ + "/raw/x.json"));
}

}  // namespace
}  // namespace sweep
