// --fixed-latency: the same latencies for every request, regardless of their number.
#include "benchmarks/sweep-simserver/core/fixed_pace.hpp"

#include <gtest/gtest.h>

namespace sweep::sim_server {
namespace {

using std::chrono::milliseconds;

TEST(FixedPace, EveryTokenIsDueAtItsTime) {
  FixedPace pace(milliseconds(50), milliseconds(10));
  EXPECT_EQ(pace.next_time(), std::nullopt);
  ASSERT_TRUE(pace.submit({1, 1, 3}, milliseconds(100)));
  ASSERT_TRUE(pace.submit({2, 1, 1}, milliseconds(105)));
  EXPECT_EQ(pace.next_time(), milliseconds(150));
  std::vector<TokenEvent> events;
  pace.advance(milliseconds(149), events);
  EXPECT_TRUE(events.empty());
  pace.advance(milliseconds(1000), events);
  ASSERT_EQ(events.size(), 4U);
  const Time expected[] = {milliseconds(150), milliseconds(155), milliseconds(160), milliseconds(170)};
  const std::uint64_t ids[] = {1, 2, 1, 1};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(events[i].at, expected[i]);
    EXPECT_EQ(events[i].id, ids[i]);
  }
  EXPECT_TRUE(events[1].last);
  EXPECT_FALSE(events[2].last);
  EXPECT_TRUE(events[3].last);
  EXPECT_EQ(pace.next_time(), std::nullopt);
}

TEST(FixedPace, ZeroLatenciesAreAllowed) {
  FixedPace pace(Time(0), Time(0));
  ASSERT_TRUE(pace.submit({1, 1, 100}, Time(5)));
  std::vector<TokenEvent> events;
  pace.advance(Time(5), events);
  EXPECT_EQ(events.size(), 100U);
}

TEST(FixedPace, CancelledSequencesGenerateNoTokens) {
  FixedPace pace(milliseconds(50), milliseconds(10));
  ASSERT_TRUE(pace.submit({1, 1, 3}, Time(0)));
  EXPECT_TRUE(pace.cancel(1));
  EXPECT_FALSE(pace.cancel(1));
  std::vector<TokenEvent> events;
  pace.advance(std::chrono::hours(1), events);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(pace.next_time(), std::nullopt);
}

}  // namespace
}  // namespace sweep::sim_server
