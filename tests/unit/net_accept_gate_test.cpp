// Which connections are accepted when descriptors become few.
#include <gtest/gtest.h>

#include "proto/net/accept_gate.hpp"

namespace sweep {
namespace {

TEST(AcceptGate, LastDescriptorsAreNeverUsedForConnections) {
  EXPECT_EQ(admittance_of(191, 256), Admittance::Replace);
  EXPECT_EQ(admittance_of(192, 256), Admittance::Refuse);
  EXPECT_EQ(admittance_of(255, 256), Admittance::Refuse);
  EXPECT_EQ(admittance_of(1023 - 64, 1024), Admittance::Replace);
  EXPECT_EQ(admittance_of(1024 - 64, 1024), Admittance::Refuse);
}

TEST(AcceptGate, ConnectionsReplaceStrangersOnlyInTheUpperHalf) {
  EXPECT_EQ(admittance_of(8, 256), Admittance::Accept);
  EXPECT_EQ(admittance_of(95, 256), Admittance::Accept);
  EXPECT_EQ(admittance_of(96, 256), Admittance::Replace);
}

TEST(AcceptGate, SmallLimitsKeepAQuarter) {
  EXPECT_EQ(admittance_of(23, 32), Admittance::Replace);
  EXPECT_EQ(admittance_of(24, 32), Admittance::Refuse);
  EXPECT_EQ(admittance_of(11, 32), Admittance::Accept);
}

}  // namespace
}  // namespace sweep
