// take_over_sweep: a controller in the place of one that died a moment ago.
#include "tests/unit/opening_sample.hpp"

namespace sweep {
namespace {

class TakeOver : public OpeningTest {
 protected:
  Expected<OpenedSweep> take_over(const std::string& key) {
    return take_over_sweep(out_, key, now_ + Millis(50), notes_);
  }
};

TEST_F(TakeOver, KeepsKeysProfileAndWhatRuns) {
  profile::Profile profile;
  profile.env = {{"SECRET", "x"}};
  profile.away = Millis(1'234);
  const std::string key = interrupted(profile);
  const auto before = read_control_file(out_);
  const auto entry = take_over(key);
  ASSERT_TRUE(entry) << entry.error().message;
  EXPECT_EQ(entry->server_keys.public_key, key);
  EXPECT_EQ(entry->server_keys.secret_key, (*before)->server_secret);
  EXPECT_EQ(entry->client_keys.secret_key, (*before)->client_secret);
  EXPECT_EQ(entry->sweep.plan.profile.env, profile.env);
  EXPECT_EQ(entry->sweep.plan.profile.away, profile.away);
  EXPECT_EQ(entry->sweep.facts.sweep, "5eed");
  // The third point still runs: its agent is looked for, not given up.
  EXPECT_THAT(states(entry->sweep),
              ElementsAre(PointState::Done, PointState::Failed, PointState::Running, PointState::Pending));
  EXPECT_FALSE(entry->sweep.state.agents.at("12.0.0").gone);
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(TakeOver, IsInTheJournalWhenItReturns) {
  const std::string key = interrupted();
  { ASSERT_TRUE(take_over(key)); }
  auto archive = open_archive(out_);
  ASSERT_TRUE(archive) << archive.error().message;
  const auto events = archive->journal.events();
  ASSERT_TRUE(events);
  EXPECT_TRUE(std::holds_alternative<core::Recovered>(events->back().what));
}

TEST_F(TakeOver, CanBeDoneAgainAndAgain) {
  const std::string key = interrupted();
  for (int i = 0; i < 5; ++i) {
    const auto entry = take_over(key);
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_EQ(states(entry->sweep)[2], PointState::Running);
  }
}

TEST_F(TakeOver, WhatWasFoundOutAboutMungeIsKept) {
  for (const auto auth : {profile::Profile::Auth::Munge, profile::Profile::Auth::Key}) {
    profile::Profile profile;
    profile.auth = auth;
    const std::string key = interrupted(profile);
    const auto entry = take_over(key);
    ASSERT_TRUE(entry) << entry.error().message;
    EXPECT_EQ(entry->admits,
              auth == profile::Profile::Auth::Munge ? Admission::By::Munge : Admission::By::Key);
    std::filesystem::remove_all(out_);
  }
}

TEST_F(TakeOver, NotFromASweepThatSomebodyHasResumedMeanwhile) {
  const std::string key = interrupted();
  {
    const auto resumed = resume(wishes());
    ASSERT_TRUE(resumed);
    tell_control(*resumed);
  }
  const auto entry = take_over(key);
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().message, HasSubstr("has been resumed by a controller on login1, pid 4711"));
}

TEST_F(TakeOver, NotWithoutAControlFile) {
  const std::string key = interrupted();
  remove_control_file(out_);
  const auto entry = take_over(key);
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().message, testing::AllOf(HasSubstr(out_), HasSubstr("no sweep.control")));
}

TEST_F(TakeOver, NotWhileTheJournalIsInUse) {
  const OpenedSweep alive = begin();
  const auto entry = take_over(alive.server_keys.public_key);
  ASSERT_FALSE(entry);
  EXPECT_THAT(entry.error().message, HasSubstr("in use by another process"));
}

TEST_F(TakeOver, HalfWrittenFilesGo) {
  const std::string key = interrupted();
  put("out/agg_x.json.tmp-abc", "half");
  ASSERT_TRUE(take_over(key));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/agg_x.json.tmp-abc"));
}

}  // namespace
}  // namespace sweep
