// A damaged journal of a sweep: open_archive() and salvage().
#include <gmock/gmock.h>

#include <set>

#include "controller/core/decide.hpp"
#include "controller/core/events_json.hpp"
#include "controller/core/invariants.hpp"
#include "controller/io/gather.hpp"
#include "controller/io/output_dir.hpp"
#include "controller/io/salvage.hpp"
#include "controller/io/sweep_record.hpp"
#include "tests/unit/damage_bytes.hpp"
#include "tests/unit/net_folder.hpp"
#include "tests/unit/plan_sample.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

constexpr Instant kNow{Millis(1'700'000'000'000)};

std::string text_of(const std::vector<core::Event>& events) {
  std::string out;
  for (const core::Event& event : events) {
    out += std::to_string(to_unix_ms(event.at)) + " " + std::string(core::event_word(event.what)) + " " +
           core::event_to_json(event.what).dump() + "\n";
  }
  return out;
}

class SweepDamage : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    make_sweep(bytes_of(SWEEP_SOURCE_DIR "/tests/unit/data/client_result.json"));
    bytes_ = bytes_of(journal_path(folder_));
    ASSERT_GT(bytes_.size(), 20'000u);
  }

  /// Makes a sweep with four points: two done, with the result `raw`, one failed, one pending.
  void make_sweep(const std::string& raw) {
    Sweep sweep;
    sweep.plan =
        sample_plan({sample_entry(1, 1), sample_entry(1, 2), sample_entry(1, 4), sample_entry(64, 8)});
    sweep.state = core::make_state(core_settings(sweep.plan), core_points(sweep.plan));
    sweep.facts.sweep = "s";
    auto journal = journal::Journal::create(journal_path(folder_), opening_of(sweep));
    ASSERT_TRUE(journal) << journal.error().message;
    journal::Batch batch;
    Instant now = kNow;
    const auto decide = [&](const core::Command& command) {
      now += Millis(1'000);
      const auto made = core::advance(sweep.state, command, now).events;
      batch.events.insert(batch.events.end(), made.begin(), made.end());
    };
    core::AgentInfo agent;
    agent.id = "12.0.0";
    agent.node = "n1";
    agent.gpus = {"0"};
    decide(core::Hello{agent});
    decide(core::Ready{agent.id});
    for (int i = 0; i < 3; ++i) {
      ASSERT_FALSE(sweep.state.agents.at(agent.id).held.empty());
      const auto [index, number] = *sweep.state.agents.at(agent.id).held.begin();
      const core::AttemptRef ref{sweep.plan.points[static_cast<std::size_t>(index)].id, number};
      Outcome outcome;
      if (i == 1) outcome.kind = OutcomeKind::NoResult;
      decide(core::AttemptStarted{agent.id, ref, 4711});
      decide(core::AttemptFinished{agent.id, ref, outcome, Millis(900)});
      if (i != 1) batch.results.push_back({ref, "n1", true, raw});
    }
    events_ = text_of(batch.events);
    ASSERT_TRUE(journal->commit(batch));
    ASSERT_TRUE(journal->finish());
  }

  void put_journal(const std::string& bytes) {
    for (const std::string& name : listing())
      std::filesystem::remove_all(path(name));
    put_bytes(journal_path(folder_), bytes);
  }

  std::string bytes_;   // of a sound journal
  std::string events_;  // in it
};

TEST_F(SweepDamage, SweepIsReadUnchangedOrRefused) {
  std::size_t read = 0, refused = 0;
  each_damage(bytes_, 60, 1'500, [&](const std::string& damaged) {
    put_journal(damaged);
    auto archive = open_archive(folder_);
    if (!archive) {
      ++refused;
      EXPECT_EQ(printable(archive.error().message), archive.error().message);
      return;
    }
    ++read;
    const auto events = archive->journal.events();
    EXPECT_TRUE(events && text_of(*events) == events_) << "what was read is not what was written";
    EXPECT_THAT(core::check_invariants(archive->sweep.state), testing::IsEmpty());
    std::size_t results = 0;
    std::vector<std::string> problems;
    each_result(
        {folder_, &archive->sweep, &archive->journal}, [&](const JournalResult&) { ++results; }, problems);
    EXPECT_TRUE(results == 2 || !problems.empty()) << results << " results of 2, without a message";
  });
  EXPECT_GT(read, 500u);
  EXPECT_GT(refused, 100u);
}

TEST_F(SweepDamage, RecoveredJournalIsSoundAndEveryDonePointHasItsResult) {
  std::size_t recovered = 0, refused = 0;
  each_damage(bytes_, 20, 60, [&](const std::string& damaged) {
    put_journal(damaged);
    const auto lines = salvage(folder_, kNow);
    if (!lines) {
      ++refused;
      EXPECT_EQ(printable(lines.error().message), lines.error().message);
      EXPECT_EQ(bytes_of(journal_path(folder_)), damaged)
          << "a journal that could not be recovered was changed";
      return;
    }
    ++recovered;
    auto archive = open_archive(folder_);
    ASSERT_TRUE(archive) << archive.error().message;
    EXPECT_TRUE(archive->journal.check());
    std::set<std::string> with_result;
    EXPECT_TRUE(archive->journal.each_accepted_result(
        [&](const journal::StoredResult& result) { with_result.insert(result.ref.point); }));
    for (const core::PointStatus& point : archive->sweep.state.points)
      EXPECT_TRUE(point.state != core::PointState::Done || with_result.contains(point.spec.id))
          << point.spec.id;
  });
  EXPECT_GT(recovered, 30u);
  EXPECT_GT(refused, 5u);
}

// A later version may demand more of a result than the one that accepted it.
TEST_F(SweepDamage, StoredResultThatCannotBeProcessedIsNamed) {
  for (const std::string& name : listing())
    std::filesystem::remove_all(path(name));
  make_sweep("{}");
  auto archive = open_archive(folder_);
  ASSERT_TRUE(archive) << archive.error().message;
  std::size_t results = 0;
  std::vector<std::string> problems;
  each_result(
      {folder_, &archive->sweep, &archive->journal}, [&](const JournalResult&) { ++results; }, problems);
  EXPECT_EQ(results, 0u);
  ASSERT_EQ(problems.size(), 2u);
  EXPECT_THAT(problems[0], testing::HasSubstr(label(archive->sweep.plan.points[0]) + ": "));
}

// After a crash of the machine a file may be truncated.
TEST_F(SweepDamage, TruncatedRawFileIsNotUsed) {
  const std::string raw = bytes_of(SWEEP_SOURCE_DIR "/tests/unit/data/client_result.json");
  std::string damaged = bytes_;
  const std::size_t at = damaged.find("max_concurrency");
  ASSERT_NE(at, std::string::npos);
  damaged[at] = 'M';
  for (const bool whole : {true, false}) {
    put_journal(damaged);
    auto archive = open_archive(folder_);
    ASSERT_TRUE(archive) << archive.error().message;
    std::filesystem::create_directory(path("raw"));
    for (int i = 0; i < 3; ++i) {
      put_bytes(path("raw/" + result_filename(archive->sweep.plan, i, "n1") + ".json"),
                whole ? raw : raw.substr(0, raw.size() / 2));
    }
    archive = fail("closed");
    ASSERT_TRUE(salvage(folder_, kNow));
    archive = open_archive(folder_);
    ASSERT_TRUE(archive) << archive.error().message;
    EXPECT_EQ(archive->sweep.state.count(core::PointState::Done), whole ? 2 : 1);
  }
}

}  // namespace
}  // namespace sweep
