// profile: names of nodes as Slurm writes them.
#include <gtest/gtest.h>

#include "controller/profile/host_pattern.hpp"

namespace sweep::profile {
namespace {

TEST(HostPattern, ContainsTheNodesThatSlurmsListNames) {
  for (const char* node : {"n1", "n4", "n12", "login1", "gpu-003-a", "gpu-100-a"})
    EXPECT_TRUE(contains_host("n[1-4,12],login1,gpu-[003-100]-a", node)) << node;
  for (const char* node : {"n5", "n01", "n", "n1x", "login", "gpu-3-a", "gpu-101-a", "gpu-003-b", "m1", ""})
    EXPECT_FALSE(contains_host("n[1-4,12],login1,gpu-[003-100]-a", node)) << node;
  EXPECT_TRUE(contains_host("rack[1-2]n[01-09]", "rack2n07"));
  EXPECT_TRUE(contains_host("n*", "n77"));
  EXPECT_TRUE(contains_host("a*,b1", "b1"));
  EXPECT_FALSE(contains_host("a*,b1", "c"));
}

TEST(HostPattern, MalformedListsAreNamed) {
  for (const char* good : {"n1", "n[1-4]", "n[1,3-5]x[01-02],y", "n*"})
    EXPECT_EQ(host_list_problem(good), "") << good;
  EXPECT_EQ(host_list_problem("n[1-4"), "has a bracket without its other half");
  EXPECT_EQ(host_list_problem("n1-4]"), "has a bracket without its other half");
  EXPECT_EQ(host_list_problem("n[4-1]"),
            "has '4-1' in brackets, which is not a number or a range such as 1-4");
  EXPECT_EQ(host_list_problem("n[a]"), "has 'a' in brackets, which is not a number or a range such as 1-4");
  EXPECT_EQ(host_list_problem("n1,,n2"), "has an empty name");
}

}  // namespace
}  // namespace sweep::profile
