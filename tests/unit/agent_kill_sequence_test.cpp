// agent/core/kill_sequence: which signal a process group is sent, and when.
#include <gtest/gtest.h>

#include "agent/core/kill_sequence.hpp"

namespace sweep::agent {
namespace {

using Signal = KillSequence::Signal;

constexpr Millis kLeastWait{2'000};
const Instant kStart = from_unix_ms(1'000'000);

TEST(KillSequence, SendsTermThenKillThenGivesUp) {
  KillSequence kill(kLeastWait);
  EXPECT_FALSE(kill.begun());
  EXPECT_EQ(kill.deadline(), std::nullopt);
  EXPECT_EQ(kill.begin(Millis(5'000), kStart), Signal::Term);
  EXPECT_EQ(kill.deadline(), kStart + Millis(5'000));
  EXPECT_EQ(kill.escalate(kStart + Millis(5'000)), Signal::Kill);
  EXPECT_EQ(kill.deadline(), kStart + Millis(10'000));
  EXPECT_FALSE(kill.gave_up());
  EXPECT_EQ(kill.escalate(kStart + Millis(10'000)), Signal::None);
  EXPECT_TRUE(kill.gave_up());
}

TEST(KillSequence, BeginsWithKillWithoutAGraceTime) {
  KillSequence kill(kLeastWait);
  EXPECT_EQ(kill.begin(Millis(0), kStart), Signal::Kill);
  EXPECT_EQ(kill.deadline(), kStart + kLeastWait);
}

TEST(KillSequence, HurryOnlyShortensTheGraceTime) {
  KillSequence kill(kLeastWait);
  kill.begin(Millis(5'000), kStart);
  kill.hurry(Millis(9'000), kStart);
  EXPECT_EQ(kill.deadline(), kStart + Millis(5'000));
  kill.hurry(Millis(1'000), kStart);
  EXPECT_EQ(kill.deadline(), kStart + Millis(1'000));
  kill.escalate(kStart + Millis(1'000));
  const auto after_kill = kill.deadline();
  kill.hurry(Millis(0), kStart);
  EXPECT_EQ(kill.deadline(), after_kill);
}

TEST(KillSequence, KillIsSentOnce) {
  KillSequence kill(kLeastWait);
  kill.begin(Millis(5'000), kStart);
  EXPECT_EQ(kill.kill(kStart), Signal::Kill);
  EXPECT_EQ(kill.kill(kStart), Signal::None);
}

}  // namespace
}  // namespace sweep::agent
