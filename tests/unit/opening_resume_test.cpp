// How a new sweep claims its directory, and how a sweep is resumed: what is kept, what is refused, and the
// messages.
#include <unistd.h>

#include "controller/profile/benchmark.hpp"
#include "tests/unit/damage_bytes.hpp"
#include "tests/unit/opening_sample.hpp"
#include "util/json.hpp"

namespace sweep {
namespace {

class BeginSweep : public OpeningTest {};

TEST_F(BeginSweep, CreatesDirectoryJournalAndKeys) {
  const OpenedSweep opened = begin();
  EXPECT_TRUE(std::filesystem::is_directory(out_ + "/raw"));
  EXPECT_TRUE(std::filesystem::is_directory(out_ + "/logs"));
  EXPECT_TRUE(std::filesystem::exists(out_ + "/sweep.db"));
  EXPECT_NE(opened.server_keys.public_key, opened.client_keys.public_key);
  EXPECT_FALSE(opened.admission);
}

TEST_F(BeginSweep, DirectoryWithASweepIsRefusedWithBothRemedies) {
  static_cast<void>(interrupted());
  const auto again = claim_output_dir(out_, "x", kBegun);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message,
              testing::AllOf(HasSubstr(out_), HasSubstr("another sweep"), HasSubstr("--sweep-output"),
                             HasSubstr("--sweep-resume")));
  EXPECT_EQ(check_output_dir(out_, "x").error().message, again.error().message);
  EXPECT_FALSE(begin_sweep(new_sweep(entries()), out_)) << "the journal was there already";
}

TEST_F(BeginSweep, DirectoryOfALiveSweepIsRefusedWithHostAndPid) {
  const OpenedSweep opened = begin();
  const auto second = claim_output_dir(out_, "x", kBegun);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message,
              testing::AllOf(HasSubstr("another sweep is running"), HasSubstr("login1, pid 4711"),
                             HasSubstr("choose another --sweep-output")));
  remove_control_file(out_);
  EXPECT_THAT(claim_output_dir(out_, "x", kBegun).error().message, HasSubstr("in use by another process"));
}

TEST_F(BeginSweep, SweepsOfTheSameSecondGetDifferentDirectories) {
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_);
  const auto first = claim_output_dir("", "a/b", kBegun), second = claim_output_dir("", "a/b", kBegun);
  std::filesystem::current_path(before);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*second, *first + "_2");
  EXPECT_EQ(std::filesystem::path(*first).parent_path(), folder_);
}

class ResumeSweep : public OpeningTest {
 protected:
  /// Returns the number of damaged journals that a recovery has kept.
  // A damaged journal's write-ahead log, if any, is kept beside it and does not count.
  std::ptrdiff_t damaged_journals() const {
    const std::filesystem::directory_iterator items(out_);
    return std::count_if(std::filesystem::begin(items), std::filesystem::end(items), [](const auto& item) {
      const std::string name = item.path().filename().string();
      return name.starts_with("sweep.db.damaged-") && !name.ends_with("-wal") && !name.ends_with("-shm");
    });
  }
};

TEST_F(ResumeSweep, KeepsDoneAndFailedPointsAndRunsTheRest) {
  static_cast<void>(interrupted());
  const auto opened = resume(wishes());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT(states(opened->sweep),
              ElementsAre(PointState::Done, PointState::Failed, PointState::Pending, PointState::Pending));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ResumeSweep, IsTheSameSweepInANewSession) {
  const std::string old_key = interrupted();
  const auto opened = resume(wishes());
  ASSERT_TRUE(opened) << opened.error().message;
  const view::Facts& facts = opened->sweep.facts;
  EXPECT_EQ(facts.sweep, "5eed");
  EXPECT_EQ(facts.opened, kBegun);
  EXPECT_THAT(facts.configs, ElementsAre("/c/first.yaml"));
  EXPECT_EQ(facts.select, "--framework sglang");
  EXPECT_EQ(facts.directory, out_);
  EXPECT_EQ(facts.job, "13.0");
  EXPECT_TRUE(opened->sweep.state.resumed);
  EXPECT_NE(opened->server_keys.public_key, old_key) << "agents of the old session would be admitted";
  EXPECT_THAT(opened->sweep.state.agents,
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

// The built-in limit of a point is no estimate of its duration, and must not become one by being recorded.
TEST_F(ResumeSweep, RecordKeepsWhetherTheProfileSetsTheDurationOfAPoint) {
  { begin(); }
  const auto without = open_archive(out_);
  ASSERT_TRUE(without) << without.error().message;
  EXPECT_FALSE(without->sweep.plan.profile.point_timeout_declared);
  EXPECT_EQ(without->sweep.state.settings.expected, Millis(0));

  out_ = path("other");
  profile::Profile profile;
  profile.timeouts.point = Millis(60'000);
  profile.point_timeout_declared = true;
  { begin(profile); }
  const auto with = open_archive(out_);
  ASSERT_TRUE(with) << with.error().message;
  EXPECT_TRUE(with->sweep.plan.profile.point_timeout_declared);
  EXPECT_EQ(with->sweep.state.settings.expected, Millis(60'000));
}

TEST_F(ResumeSweep, RetriesFailedPointsOnRequest) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = wishes();
  wanted.retry_failed = true;
  const auto opened = resume(wanted);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT(states(opened->sweep),
              ElementsAre(PointState::Done, PointState::Pending, PointState::Pending, PointState::Pending));
}

TEST_F(ResumeSweep, UsesTheGivenProfile) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = wishes();
  wanted.profile.env = {{"A", "today"}};
  wanted.profile.retries.infrastructure = 0;  // the old attempts were allowed by the old profile
  const auto opened = resume(wanted);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->sweep.plan.profile.env, wanted.profile.env);
  EXPECT_EQ(opened->sweep.state.settings.infrastructure_retries, 0);
}

TEST_F(ResumeSweep, SameMatrixFromAFileIsNotAChange) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = with_matrix(entries());
  ASSERT_TRUE(check(wanted));
  const auto opened = resume(wanted);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_THAT(opened->sweep.facts.configs, ElementsAre("/c/second.yaml"));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(ResumeSweep, ChangedMatrixIsRefusedWithOneLinePerPointAndChangesNothing) {
  static_cast<void>(interrupted());
  const std::string why =
      refusal(with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 8), sample_entry(8, 64)}));
  EXPECT_THAT(why, testing::AllOf(HasSubstr("--sweep-accept-changes"), HasSubstr("--accept-changes"),
                                  HasSubstr("\n  removed  dsr1_1k8k fp4 sglang b200 tp8 conc1"),
                                  HasSubstr("\n  added    dsr1_1k8k fp4 sglang b200 tp8 conc64"),
                                  Not(HasSubstr("conc2"))));
  const auto archive = open_archive(out_);
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->sweep.facts.job, "12.0") << "the refused resume has changed the journal";
  EXPECT_EQ(archive->sweep.plan.points.size(), 4U);
}

TEST_F(ResumeSweep, LongListOfChangesIsCutWithTheNumberOfTheRest) {
  static_cast<void>(interrupted());
  std::vector<ordered_json> many = entries();
  for (int conc = 101; conc <= 130; ++conc)
    many.push_back(sample_entry(8, conc));
  const std::string why = refusal(with_matrix(many));
  EXPECT_EQ(std::count(why.begin(), why.end(), '\n'), 21) << why;
  EXPECT_THAT(why, HasSubstr("\n  and 10 more"));
}

TEST_F(ResumeSweep, AcceptedChangeKeepsDonePointsAndMovesFilesOfRemovedOnes) {
  static_cast<void>(interrupted());
  put("out/raw/dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json", "raw");
  put("out/agg_dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json", "agg");
  ResumeWishes wanted = with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 64)});
  wanted.accept_changes = true;
  ASSERT_TRUE(check(wanted));
  {
    const auto opened = resume(wanted);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_THAT(states(opened->sweep),
                ElementsAre(PointState::Failed, PointState::Pending, PointState::Pending,
                            PointState::Withdrawn, PointState::Withdrawn));
    EXPECT_EQ(core::total_points(opened->sweep.state), 3);
  }
  EXPECT_THAT(notes_, testing::SizeIs(3)) << "the changes are reported";
  EXPECT_TRUE(
      std::filesystem::exists(out_ + "/withdrawn/dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json"));
  EXPECT_TRUE(
      std::filesystem::exists(out_ + "/withdrawn/agg_dsr1_1k8k_fp4_sglang_tp8_ep1_dpa_false_conc1_n1.json"));

  // And back: the journal has kept the result.
  wanted = with_matrix(entries());
  wanted.accept_changes = true;
  const auto back = resume(wanted);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(states(back->sweep)[0], PointState::Done);
}

TEST_F(ResumeSweep, IsRefusedIfNoPointIsLeft) {
  {
    OpenedSweep opened = begin();
    join_agent(opened);
    for (int i = 0; i < 4; ++i)
      end_next(opened, i == 0 ? OutcomeKind::BenchmarkFailed : OutcomeKind::Ok);
  }
  EXPECT_EQ(
      refusal(wishes()),
      "nothing to resume: 3 of 4 points done, 1 failed; to retry failed points, add --sweep-retry-failed "
      "(sweepctl run: --retry-failed)");
  ResumeWishes wanted = wishes();
  wanted.retry_failed = true;
  EXPECT_TRUE(check(wanted));
  wanted = with_matrix({sample_entry(8, 2), sample_entry(8, 4), sample_entry(8, 8)});
  wanted.accept_changes = true;
  const auto opened = resume(wanted);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message,
            "nothing to resume: 3 of 3 points done; the results are in '" + out_ + "'");
}

TEST_F(ResumeSweep, IsRefusedWithRemedyWhileItsControllerRuns) {
  const OpenedSweep running = begin();
  EXPECT_THAT(refusal(wishes()),
              testing::AllOf(HasSubstr("still running"), HasSubstr("controller on login1, pid 4711"),
                             HasSubstr("sweepctl cancel " + out_), HasSubstr("then resume"),
                             Not(HasSubstr("choose another"))));
  remove_control_file(out_);
  EXPECT_THAT(refusal(wishes()), HasSubstr("in use by another process"));
}

TEST_F(ResumeSweep, KeepsOtherControllersOutFromItsOpeningOn) {
  static_cast<void>(interrupted());
  const auto first = ResumableSweep::open(out_);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(ResumableSweep::open(out_));
}

TEST_F(ResumeSweep, DamagedJournalIsRecoveredByTheResumeOnly) {
  static_cast<void>(interrupted());
  const std::string path = journal_path(out_);
  std::string bytes = bytes_of(path);
  const std::size_t at = bytes.rfind("12.0.0");  // in an event
  ASSERT_NE(at, std::string::npos);
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  put_bytes(path, bytes);
  EXPECT_TRUE(check(wishes()));
  auto opened = ResumableSweep::open(out_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(damaged_journals(), 0) << "open() has replaced the journal";
  const auto resumed = std::move(*opened).resume(wishes(), now_, notes_);
  ASSERT_TRUE(resumed) << resumed.error().message;
  EXPECT_THAT(notes_, testing::Contains(HasSubstr("the journal was damaged")));
  EXPECT_EQ(damaged_journals(), 1);
}

TEST_F(ResumeSweep, ControlFileOfADeadControllerDoesNotPreventIt) {
  static_cast<void>(interrupted());
  const auto opened = ResumableSweep::open(out_ + "//");
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->directory(), out_);
}

TEST_F(ResumeSweep, IsRefusedIfThereIsNoSweep) {
  EXPECT_THAT(ResumableSweep::open("").error().message, HasSubstr("--sweep-output"));
  EXPECT_THAT(ResumableSweep::open(path("none")).error().message, HasSubstr("the directory does not exist"));
  std::filesystem::create_directory(path("empty"));
  EXPECT_THAT(ResumableSweep::open(path("empty")).error().message, HasSubstr("it has no sweep.db"));
}

// At the end it would not be overwritten, and the sweep would fail.
TEST_F(ResumeSweep, SummaryThatSomebodyChangedIsRefusedAtTheStart) {
  static_cast<void>(interrupted());
  put("out/summary.txt", "mine");
  EXPECT_THAT(refusal(wishes()), testing::AllOf(HasSubstr("its 'summary.txt' was not written by sweepctl"),
                                                HasSubstr("; move it away, then resume again")));
  std::filesystem::remove(out_ + "/summary.txt");
  EXPECT_TRUE(resume(wishes()));
}

// The matrix was changed because the recipe cannot be read any more.
TEST_F(ResumeSweep, WithdrawnPointsNeedNoRecipe) {
  constexpr const char* kOneServer =
      "server: {command: s, env: [], ready: {log: up}}\nclient: {command: c}\n";
  profile::Profile profile;
  profile.benchmark = "./{framework}.yaml";
  profile.benchmark_folder = folder_;
  put("sglang.yaml", kOneServer);
  put("trt.yaml", kOneServer);
  auto other = sample_entry(8, 1, "trt");
  auto plan_of = [&](const std::vector<ordered_json>& entries) {
    profile::Profile own = profile;
    EXPECT_TRUE(profile::load_recipes(own, *make_points(entries)));
    return sample_plan(entries, own);
  };
  Sweep sweep = new_sweep({sample_entry(8, 1)});
  sweep.plan = plan_of({sample_entry(8, 1), other});
  sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
  ASSERT_TRUE(claim_output_dir(out_, "x", kBegun));
  ASSERT_TRUE(begin_sweep(std::move(sweep), out_));
  put("trt.yaml", "server: {}\n");
  ResumeWishes wanted = wishes();
  wanted.profile = profile;
  EXPECT_THAT(refusal(wanted), HasSubstr("trt.yaml:1: "));
  wanted.plan = plan_of({sample_entry(8, 1)});
  wanted.accept_changes = true;
  const auto opened = resume(wanted);
  EXPECT_TRUE(opened) << opened.error().message;
}

TEST_F(ResumeSweep, IsRefusedIfNeitherARecipeNorAScriptIsLeftForAnyPoint) {
  static_cast<void>(interrupted());
  ResumeWishes wanted = wishes();
  wanted.profile.benchmark = "./{framework}.yaml";
  wanted.profile.benchmark_folder = folder_;
  EXPECT_TRUE(resume(wanted)) << "the command line names another benchmark";
  wanted.benchmark = BenchmarkCommand{{"sweep-agent"}, folder_};
  EXPECT_THAT(refusal(wanted), HasSubstr("there is no recipe '" + path("sglang.yaml") + "', and none of "));
}

TEST_F(ResumeSweep, DirectoryThatCannotBeReadIsNotReportedAsMissing) {
  constexpr uid_t kNobody = 65534;
  static_cast<void>(interrupted());
  std::filesystem::permissions(out_, std::filesystem::perms::none);
  const bool root = ::geteuid() == 0;
  EXPECT_EQ(root ? ::seteuid(kNobody) : 0, 0);
  const auto found = find_resumable_dir(out_);
  EXPECT_EQ(root ? ::seteuid(0) : 0, 0);
  std::filesystem::permissions(out_, std::filesystem::perms::owner_all);
  EXPECT_THAT(found.error().message,
              HasSubstr("cannot resume the sweep in '" + out_ + "': Permission denied; "));
}

TEST_F(ResumeSweep, CommandsOfMessagesAreQuoted) {
  out_ = path("my out");
  const OpenedSweep live = begin();
  EXPECT_THAT(ResumableSweep::open(out_).error().message,
              testing::AllOf(HasSubstr("(see sweepctl status '" + out_ + "')"),
                             HasSubstr("(sweepctl cancel '" + out_ + "')")));
  std::filesystem::permissions(out_ + "/sweep.control", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add);
  EXPECT_THAT(read_control_file(out_).error().message,
              HasSubstr("or run: chmod 600 '" + out_ + "/sweep.control'"));
}

TEST_F(ResumeSweep, RemovesHalfWrittenFiles) {
  static_cast<void>(interrupted());
  put("out/raw/x.json.tmp-abc", "half");
  put("out/raw/x.json", "whole");
  ASSERT_TRUE(resume(wishes()));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/raw/x.json.tmp-abc"));
  EXPECT_TRUE(std::filesystem::exists(out_ + "/raw/x.json"));
}

}  // namespace
}  // namespace sweep
