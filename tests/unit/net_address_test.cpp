// proto/net/address: compared with what `hostname -I` prints.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proto/net/address.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"
#include "util/text.hpp"

namespace sweep {
namespace {

using testing::Contains;
using testing::IsEmpty;

/// Returns the IPv4 addresses of this machine's interfaces, without the loopback's.
std::vector<std::string> addresses() {
  std::vector<std::string> out;
  const auto printed = run_program({"hostname", "-I"}, {.environment = own_environment()});
  for (const std::string& word : split(printed ? printed->out : "", ' ')) {
    if (word.find('.') != std::string::npos) out.push_back(word);
  }
  return out;
}

TEST(InterfaceAddress, IsOneOfTheMachines) {
  const auto all = addresses();
  if (all.empty()) GTEST_SKIP() << "this machine has no address besides the loopback's";
  EXPECT_THAT(all, Contains(interface_address()));
}

TEST(ReachableHost, IsNeverEmpty) {
  EXPECT_NE(reachable_host(), "");
}

}  // namespace
}  // namespace sweep
