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
