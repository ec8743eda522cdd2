// The rendezvous of the ranks of a worker: who may join, and which message the refused ones get.
#include "benchmarks/sweep-simserver/core/rendezvous.hpp"

#include <gmock/gmock.h>

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;

const SharedOptions kOptions = {{"--model", "dsr1"}, {"--tp", "8"}};

std::string error_for(Rendezvous& rendezvous, const Hello& hello) {
  const auto good = rendezvous.join(hello, "10.0.0.9:4711");
  return good ? "no error" : good.error().message;
}

TEST(Rendezvous, IsCompleteWhenAllRanksHaveJoinedAndLoaded) {
  Rendezvous rendezvous(3, kOptions);
  rendezvous.loaded(0);
  EXPECT_TRUE(rendezvous.join({.rank = 2, .options = kOptions}, "10.0.0.2:1"));
  EXPECT_FALSE(rendezvous.all_joined());
  EXPECT_TRUE(rendezvous.join({.rank = 1, .options = kOptions}, "10.0.0.1:1"));
  EXPECT_TRUE(rendezvous.all_joined());
  rendezvous.loaded(2);
  rendezvous.loaded(2);
  EXPECT_FALSE(rendezvous.all_loaded());
  rendezvous.loaded(1);
  EXPECT_TRUE(rendezvous.all_loaded());
}

TEST(Rendezvous, OtherOptionsAreRefusedWithBothValues) {
  Rendezvous rendezvous(2, kOptions);
  SharedOptions other = kOptions;
  other["--tp"] = "4";
  EXPECT_THAT(error_for(rendezvous, {.rank = 1, .options = other}),
              HasSubstr("rank 1 (10.0.0.9:4711) has --tp 4, but rank 0 has --tp 8"));
  other = kOptions;
  other["--zero-latency"] = "yes";
  EXPECT_THAT(error_for(rendezvous, {.rank = 1, .options = other}),
              HasSubstr("has --zero-latency yes, but rank 0 has no --zero-latency"));
  EXPECT_FALSE(rendezvous.all_joined());
}

TEST(Rendezvous, RankThatJoinsTwiceIsRefusedWithBothAddresses) {
  Rendezvous rendezvous(3, kOptions);
  ASSERT_TRUE(rendezvous.join({.rank = 1, .options = kOptions}, "10.0.0.1:1"));
  EXPECT_THAT(error_for(rendezvous, {.rank = 1, .options = kOptions}),
              HasSubstr("rank 1 has connected twice, from 10.0.0.1:1 and from 10.0.0.9:4711"));
}

TEST(Rendezvous, RankOutsideOfTheWorkerIsRefused) {
  Rendezvous rendezvous(2, kOptions);
  EXPECT_THAT(error_for(rendezvous, {.rank = 2, .options = kOptions}), HasSubstr("--node-rank 1 to 1"));
  EXPECT_THAT(error_for(rendezvous, {.rank = 0, .options = kOptions}), HasSubstr("rank 0"));
}

TEST(Rendezvous, MessagesNameLostAndMissingRanks) {
  Rendezvous rendezvous(4, kOptions);
  ASSERT_TRUE(rendezvous.join({.rank = 2, .options = kOptions}, "10.0.0.2:1"));
  EXPECT_THAT(rendezvous.lost(2), HasSubstr("rank 2 (10.0.0.2:1) is lost"));
  EXPECT_THAT(rendezvous.timed_out(0.5, "h:1"),
              HasSubstr("rank 1 and 3 of 4 did not connect to h:1 within 0.5 s"));
}

TEST(Rendezvous, LinesAreReadAsTheyWereWritten) {
  const auto hello = read_hello(hello_line({.rank = 7, .options = kOptions}));
  ASSERT_TRUE(hello);
  EXPECT_EQ(hello->rank, 7U);
  EXPECT_EQ(hello->options, kOptions);
  EXPECT_TRUE(is_loaded_line(loaded_line()));
  EXPECT_FALSE(is_loaded_line(load_line()));
  const auto load = read_order(load_line());
  ASSERT_TRUE(load);
  EXPECT_TRUE(load->load);
  EXPECT_FALSE(load->end);
  const auto end = read_order(end_line("because", true));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->end, "because");
  EXPECT_TRUE(end->failed);
  EXPECT_FALSE(read_order(end_line("because", false))->failed);
}

TEST(Rendezvous, LinesOfOtherProgramsAreErrors) {
  for (const char* line : {"", "GET / HTTP/1.1", "{}", "[1]", R"({"rank":-1,"options":{}})",
                           R"({"rank":1,"options":[]})", R"({"rank":1,"options":{"--tp":8}})"}) {
    EXPECT_FALSE(read_hello(line)) << line;
    EXPECT_FALSE(read_order(line)) << line;
  }
}

}  // namespace
}  // namespace sweep::sim_server
