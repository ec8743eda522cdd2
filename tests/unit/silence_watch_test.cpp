// util/silence_watch: when a process counts as stuck.
#include "util/silence_watch.hpp"

#include <gtest/gtest.h>

namespace sweep {
namespace {

constexpr Instant kStart{Millis(1'000'000)};

TEST(SilenceWatch, ExpectsNothingBeforeTheFirstReport) {
  SilenceWatch watch(Millis(30'000));
  EXPECT_EQ(watch.deadline(), std::nullopt);
  EXPECT_FALSE(watch.silent(kStart));
}

TEST(SilenceWatch, IsSilentAtTheDeadlineAndNotBefore) {
  SilenceWatch watch(Millis(30'000));
  watch.heard(kStart);
  watch.heard(kStart + Millis(5'000));
  EXPECT_EQ(watch.deadline(), kStart + Millis(35'000));
  EXPECT_FALSE(watch.silent(kStart + Millis(34'999)));
  EXPECT_TRUE(watch.silent(kStart + Millis(35'000)));
}

TEST(SilenceWatch, GivesTheWholeTimeAgainAfterBothWereSuspended) {
  SilenceWatch watch(Millis(30'000));
  watch.heard(kStart);
  const Instant resumed = kStart + Millis(3'600'000);
  EXPECT_FALSE(watch.silent(resumed));
  EXPECT_EQ(watch.deadline(), resumed + Millis(30'000));
  EXPECT_TRUE(watch.silent(resumed + Millis(30'000)));
}

TEST(SilenceWatch, ExpectsNothingAfterItsEnd) {
  SilenceWatch watch(Millis(30'000));
  watch.heard(kStart);
  watch.stop();
  EXPECT_EQ(watch.deadline(), std::nullopt);
  EXPECT_FALSE(watch.silent(kStart + Millis(30'000)));
}

}  // namespace
}  // namespace sweep
