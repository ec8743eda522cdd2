// --fault: parsing, and which requests are affected.
#include "benchmarks/sweep-simserver/core/faults.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace sweep::sim_server {
namespace {

using testing::HasSubstr;

std::string error_for(const std::vector<std::string>& words) {
  const auto plan = read_faults(words);
  return plan ? "no error" : plan.error().message;
}

TEST(Faults, ValidFaultsAreParsed) {
  const auto plan = read_faults(
      std::vector<std::string>{"cut=0.25", "error=0.5", "crash-after=20", "never-ready", "slow-start=1.5"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->rates[static_cast<std::size_t>(Fault::Cut)], 0.25);
  EXPECT_EQ(plan->rates[static_cast<std::size_t>(Fault::Error)], 0.5);
  EXPECT_EQ(plan->crash_after, 20U);
  EXPECT_TRUE(plan->never_ready);
  EXPECT_EQ(plan->slow_start, 1.5);
}

TEST(Faults, FaultsOfProcessesAreParsed) {
  const auto plan = read_faults(std::vector<std::string>{"die-after-requests=3", "exit-after=2.5",
                                                         "never-connect", "knows-one-worker-less"});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->die_after_requests, 3U);
  EXPECT_EQ(plan->exit->seconds, 2.5);
  EXPECT_EQ(plan->exit->status, 1);
  EXPECT_TRUE(plan->never_connect);
  EXPECT_TRUE(plan->knows_one_worker_less);
  EXPECT_EQ(read_faults(std::vector<std::string>{"exit-0-after=1"})->exit->status, 0);
}

TEST(Faults, BrokenServerFailsEveryRequest) {
  const auto plan = read_faults(std::vector<std::string>{"ready-but-broken"});
  ASSERT_TRUE(plan);
  for (std::uint64_t number = 0; number < 1000; ++number)
    EXPECT_EQ(fault_of(*plan, 1, number), Fault::Error);
}

TEST(Faults, AreRefusedInAProcessInWhichTheyCannotHappen) {
  const auto refusal = [](const char* word, const FaultyProcess& process) {
    const auto good = check_faults(*read_faults(std::vector<std::string>{word}), process);
    return good ? "no error" : good.error().message;
  };
  const FaultyProcess server{}, router{.router = true}, follower{.follower = true};
  EXPECT_THAT(refusal("never-connect", server), HasSubstr("give --node-rank 1"));
  EXPECT_EQ(refusal("never-connect", follower), "no error");
  EXPECT_THAT(refusal("knows-one-worker-less", server), HasSubstr("--role router"));
  EXPECT_EQ(refusal("knows-one-worker-less", router), "no error");
  EXPECT_THAT(refusal("cut=0.1", router), HasSubstr("give them to a worker"));
  EXPECT_THAT(refusal("ready-but-broken", follower), HasSubstr("rank 0"));
  EXPECT_THAT(refusal("die-after-requests=1", follower), HasSubstr("rank 0"));
  for (const char* word : {"exit-after=1", "exit-0-after=1", "never-ready"}) {
    for (const FaultyProcess& process : {server, router, follower})
      EXPECT_EQ(refusal(word, process), "no error") << word;
  }
}

TEST(Faults, ErrorsNameTheInvalidFault) {
  EXPECT_THAT(error_for({"cutt=0.1"}), HasSubstr("did you mean cut?"));
  EXPECT_THAT(error_for({"cut"}), HasSubstr("cut=RATE"));
  EXPECT_THAT(error_for({"cut=1.5"}), HasSubstr("'1.5'"));
  EXPECT_THAT(error_for({"cut=nan"}), HasSubstr("'nan'"));
  EXPECT_THAT(error_for({"cut=0.1x"}), HasSubstr("'0.1x'"));
  EXPECT_THAT(error_for({"cut=0.6", "stall=0.6"}), HasSubstr("more than 1"));
  EXPECT_THAT(error_for({"crash-after=0"}), HasSubstr("at least 1"));
  EXPECT_THAT(error_for({"crash-after=1.5"}), HasSubstr("at least 1"));
  EXPECT_THAT(error_for({"never-ready=1"}), HasSubstr("takes no value"));
  EXPECT_THAT(error_for({"exit-after"}), HasSubstr("exit-after=SECONDS"));
  EXPECT_THAT(error_for({"die-after-requests=0"}), HasSubstr("at least 1"));
  EXPECT_THAT(error_for({"never-conect"}), HasSubstr("did you mean never-connect?"));
  EXPECT_THAT(error_for({"=1"}), HasSubstr("unknown --fault"));
}

TEST(Faults, AffectTheRequestedFractionOfRequests) {
  const auto plan = read_faults(std::vector<std::string>{"cut=0.1", "stall=0.3"});
  std::vector<int> seen(kFaults);
  for (std::uint64_t number = 0; number < 20000; ++number)
    ++seen[static_cast<std::size_t>(fault_of(*plan, 1, number))];
  EXPECT_NEAR(seen[static_cast<std::size_t>(Fault::Cut)], 2000, 200);
  EXPECT_NEAR(seen[static_cast<std::size_t>(Fault::Stall)], 6000, 300);
  EXPECT_NEAR(seen[0], 12000, 300);
  EXPECT_EQ(seen[static_cast<std::size_t>(Fault::Error)], 0);
}

TEST(Faults, DependOnlyOnTheSeed) {
  const auto plan = read_faults(std::vector<std::string>{"cut=0.5"});
  int differ = 0;
  for (std::uint64_t number = 0; number < 1000; ++number) {
    EXPECT_EQ(fault_of(*plan, 1, number), fault_of(*plan, 1, number));
    differ += fault_of(*plan, 1, number) != fault_of(*plan, 2, number) ? 1 : 0;
  }
  EXPECT_GT(differ, 300);
  const auto all = read_faults(std::vector<std::string>{"empty=1"});
  for (std::uint64_t number = 0; number < 1000; ++number)
    EXPECT_EQ(fault_of(*all, 3, number), Fault::Empty);
}

}  // namespace
}  // namespace sweep::sim_server
