// util/pause_watch: whether the process did not run for a while.
#include "util/pause_watch.hpp"

#include <gtest/gtest.h>

namespace sweep {
namespace {

class PauseWatchTest : public testing::Test {
 protected:
  static Instant at(std::int64_t ms) { return from_unix_ms(1'700'000'000'000 + ms); }
  /// Waits from `from` until `woke`, at most until `deadline`. Returns the pause in ms.
  std::int64_t wait(std::int64_t from, std::optional<std::int64_t> deadline, std::int64_t woke) {
    watch_.before_wait(at(from), deadline ? std::optional(at(*deadline)) : std::nullopt);
    return watch_.after_wait(at(woke)).count();
  }
  PauseWatch watch_;
};

TEST_F(PauseWatchTest, WakingUpMuchLaterThanPlannedIsAPause) {
  EXPECT_EQ(wait(0, 1'000, 1'000), 0);
  EXPECT_EQ(wait(1'000, 2'000, 6'999), 0) << "a busy machine";
  EXPECT_EQ(wait(6'999, 8'000, 13'000), 5'000);
  EXPECT_EQ(wait(13'000, 14'000, 7'214'000), 7'200'000);
  EXPECT_EQ(wait(7'214'000, 7'215'000, 7'215'000), 0) << "reported once";
}

TEST_F(PauseWatchTest, DeadlineThatHasPassedIsNoPause) {
  EXPECT_EQ(wait(100'000, 1'000, 100'001), 0);
  EXPECT_EQ(wait(100'001, 1'000, 106'000), 5'999) << "measured from the beginning of the wait";
}

TEST_F(PauseWatchTest, LongWaitsAreNoPauses) {
  EXPECT_EQ(wait(0, std::nullopt, 3'600'000), 0);
  EXPECT_EQ(wait(3'600'000, 7'200'000, 7'100'000), 0) << "an event woke it up";
}

TEST_F(PauseWatchTest, TimeBetweenWaitsIsAPauseIfItIsLong) {
  EXPECT_EQ(wait(0, 1'000, 1'000), 0);
  EXPECT_EQ(wait(5'999, 6'000, 6'000), 0);
  EXPECT_EQ(wait(11'000, 12'000, 12'000), 5'000) << "a call took five seconds";
  EXPECT_EQ(wait(18'000, 19'000, 25'000), 12'000) << "both are added";
}

TEST_F(PauseWatchTest, ClockThatIsSetBackIsNoPause) {
  EXPECT_EQ(wait(0, 1'000, 60'000), 59'000);
  EXPECT_EQ(wait(1'000, 2'000, 2'000), 0) << "the agent skips the pause";
}

}  // namespace
}  // namespace sweep
