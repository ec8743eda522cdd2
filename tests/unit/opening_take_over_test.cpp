// take_over_sweep(): a controller that replaces one that has died.
#include "tests/unit/opening_sample.hpp"

namespace sweep {
namespace {

class TakeOver : public OpeningTest {
 protected:
  Expected<OpenedSweep> take_over(const std::string& key) {
    return take_over_sweep(out_, key, now_ + Millis(50), notes_);
  }
};

TEST_F(TakeOver, KeepsKeysProfileAndRunningAttempts) {
  profile::Profile profile;
  profile.env = {{"SECRET", "x"}};
  profile.away = Millis(1'234);
  const std::string key = interrupted(profile);
  const auto before = read_control_file(out_);
  const auto opened = take_over(key);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(opened->server_keys.public_key, key);
  EXPECT_EQ(opened->server_keys.secret_key, (*before)->server_secret);
  EXPECT_EQ(opened->client_keys.secret_key, (*before)->client_secret);
  EXPECT_EQ(opened->sweep.plan.profile.env, profile.env);
  EXPECT_EQ(opened->sweep.plan.profile.away, profile.away);
  EXPECT_EQ(opened->sweep.facts.sweep, "5eed");
  // The third point is still running: the sweep waits for its agent.
  EXPECT_THAT(states(opened->sweep),
              ElementsAre(PointState::Done, PointState::Failed, PointState::Running, PointState::Pending));
  EXPECT_FALSE(opened->sweep.state.agents.at("12.0.0").gone);
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

TEST_F(TakeOver, CanBeRepeated) {
  const std::string key = interrupted();
  for (int i = 0; i < 5; ++i) {
    const auto opened = take_over(key);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(states(opened->sweep)[2], PointState::Running);
  }
}

TEST_F(TakeOver, KeepsTheAdmissionRule) {
  for (const auto auth : {profile::Profile::Auth::Munge, profile::Profile::Auth::Key}) {
    profile::Profile profile;
    profile.auth = auth;
    const std::string key = interrupted(profile);
    const auto opened = take_over(key);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(opened->admission,
              auth == profile::Profile::Auth::Munge ? Admission::By::Munge : Admission::By::Key);
    std::filesystem::remove_all(out_);
  }
}

TEST_F(TakeOver, IsRefusedIfTheSweepWasResumedMeanwhile) {
  const std::string key = interrupted();
  {
    const auto resumed = resume(wishes());
    ASSERT_TRUE(resumed);
    put_control_file(*resumed);
  }
  const auto opened = take_over(key);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("was resumed by another controller on login1, pid 4711"));
}

TEST_F(TakeOver, IsRefusedWithoutAControlFile) {
  const std::string key = interrupted();
  remove_control_file(out_);
  const auto opened = take_over(key);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, testing::AllOf(HasSubstr(out_), HasSubstr("no sweep.control")));
}

TEST_F(TakeOver, IsRefusedWhileTheJournalIsInUse) {
  const OpenedSweep alive = begin();
  const auto opened = take_over(alive.server_keys.public_key);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("in use by another process"));
}

TEST_F(TakeOver, RemovesHalfWrittenFiles) {
  const std::string key = interrupted();
  put("out/agg_x.json.tmp-abc", "half");
  ASSERT_TRUE(take_over(key));
  EXPECT_FALSE(std::filesystem::exists(out_ + "/agg_x.json.tmp-abc"));
}

}  // namespace
}  // namespace sweep
