// controller/io/log: what peers do is counted completely and logged within limits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/io/log.hpp"
#include "controller/io/recent.hpp"
#include "tests/unit/net_folder.hpp"

namespace sweep {
namespace {

using testing::HasSubstr;

Instant at(std::int64_t ms) {
  return from_unix_ms(1'700'000'000'000 + ms);
}

TEST(TokenBucket, AllowsABurstThenOnePerInterval) {
  TokenBucket bucket(3, Millis(1'000));
  EXPECT_TRUE(bucket.take(at(0)));
  EXPECT_TRUE(bucket.take(at(0)));
  EXPECT_TRUE(bucket.take(at(1)));
  EXPECT_FALSE(bucket.take(at(2)));
  EXPECT_FALSE(bucket.take(at(999)));
  EXPECT_TRUE(bucket.take(at(1'000)));
  EXPECT_FALSE(bucket.take(at(1'001)));
  // After a pause it is full again, but not more than full.
  int taken = 0;
  for (int i = 0; i < 10; ++i)
    taken += bucket.take(at(1'000'000)) ? 1 : 0;
  EXPECT_EQ(taken, 3);
}

TEST(LineLimiter, CountsAllLinesAndTheOmittedOnes) {
  LineLimiter lines(20, Millis(1'000), 1'000);
  int written = 0;
  for (int i = 0; i < 10'000; ++i)
    written += lines.count_line(at(0)).write ? 1 : 0;
  EXPECT_EQ(written, 20);
  EXPECT_EQ(lines.count(), 10'000u);
  EXPECT_EQ(lines.omitted(), 9'980u);
  const auto next = lines.count_line(at(1'000));
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.omitted, 9'980u);
  EXPECT_EQ(lines.omitted(), 0u);
}

TEST(LineLimiter, LinesThatContinueForDaysBecomeRare) {
  LineLimiter lines(20, Millis(1'000), 1'000);
  int written = 0;
  for (std::int64_t second = 0; second < 3 * 86'400; ++second)
    written += lines.count_line(at(second * 1'000)).write ? 1 : 0;
  EXPECT_GE(written, 1'000);
  EXPECT_LE(written, 1'000 + 3 * 1'440 + 20);
}

class LogFile : public InFolder {
 protected:
  std::vector<std::string> lines() const {
    const std::string text = read_file(path("log"), 1 << 24).value_or("");
    std::vector<std::string> out;
    for (std::size_t from = 0, end = 0; (end = text.find('\n', from)) != std::string::npos; from = end + 1)
      out.push_back(text.substr(from, end - from));
    return out;
  }
};

TEST_F(LogFile, FloodOfOneKindDoesNotHideOthers) {
  Log log(path(""), "log");
  for (int i = 0; i < 10'000; ++i)
    log.fault(Fault::Frame, "flood", at(i / 10));
  log.fault(Fault::Key, "10.0.0.7 has another key", at(1'000));
  log.event("agent a has joined", at(1'000));
  const auto all = lines();
  EXPECT_LE(all.size(), 25u);
  EXPECT_THAT(all[all.size() - 2], HasSubstr("10.0.0.7 has another key"));
  EXPECT_THAT(all.back(), HasSubstr("agent a has joined"));
  EXPECT_EQ(log.faults(), 10'001u);
  EXPECT_EQ(log.faults(Fault::Frame), 10'000u);
}

TEST_F(LogFile, ReportsHowManyLinesWereOmitted) {
  Log log(path(""), "log");
  for (int i = 0; i < 30; ++i)
    log.fault(Fault::Frame, "flood", at(0));
  log.fault(Fault::Frame, "later", at(5'000));
  const auto all = lines();
  ASSERT_EQ(all.size(), 22u);
  EXPECT_THAT(all[20], HasSubstr("10 more lines like the next were not logged"));
  EXPECT_THAT(all[21], HasSubstr("later"));
}

TEST_F(LogFile, EndsWithTheTotalOfEachKind) {
  Log log(path(""), "log");
  EXPECT_TRUE(log.totals().empty());
  for (int i = 0; i < 30; ++i)
    log.fault(Fault::Frame, "flood", at(0));
  log.fault(Fault::Key, "key", at(0));
  EXPECT_THAT(log.totals(),
              testing::ElementsAre("1 connection with a wrong key refused", "30 malformed messages ignored"));
  EXPECT_THAT(lines().back(), HasSubstr("(the last 10 were not logged)"));
}

TEST_F(LogFile, LinesArePrintableAndShort) {
  Log log(path(""), "log");
  log.fault(Fault::Frame, "a\nb\x1b[2J" + std::string(100'000, 'x'), at(0));
  const auto all = lines();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_LT(all[0].size(), 700u);
  EXPECT_THAT(all[0], HasSubstr("a\\nb?[2J"));
}

TEST_F(LogFile, LinksAndFifosAreNotOpened) {
  ASSERT_EQ(::symlink("elsewhere", path("link").c_str()), 0);
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "fifo"}) {
    Log log(path(""), name);
    EXPECT_THAT(log.problem(), HasSubstr(name));
    log.info("not written");
  }
  EXPECT_FALSE(read_file(path("elsewhere"), 100));
}

TEST(Recent, RemembersOnlyTheLastNames) {
  Recent recent(2);
  EXPECT_TRUE(recent.insert("a"));
  EXPECT_FALSE(recent.insert("a"));
  EXPECT_TRUE(recent.insert("b"));
  EXPECT_TRUE(recent.insert("c"));
  EXPECT_FALSE(recent.insert("b"));
  EXPECT_TRUE(recent.insert("a"));
  EXPECT_EQ(recent.size(), 2u);
}

}  // namespace
}  // namespace sweep
