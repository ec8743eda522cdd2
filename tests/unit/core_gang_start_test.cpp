// controller/core: in which order the processes of a gang start, and what they know of each other.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/core/gang_start.hpp"

namespace sweep::core {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kEtcd = 0, kDecode = 1, kRouter = 2;

/// A gang of etcd and a router on node 0, and a decode worker over nodes 0 and 1. Decode needs etcd, the router decode.
GangStart sample() {
  GangSpec gang;
  gang.roles = {{"etcd"}, {"decode"}, {"router"}};
  gang.roles[kEtcd].place.kind = GangPlace::Kind::Head;
  gang.roles[kDecode].gpus = 16;
  gang.roles[kDecode].needs = {kEtcd};
  gang.roles[kRouter].place.kind = GangPlace::Kind::Head;
  gang.roles[kRouter].needs = {kDecode};
  GangLayout layout = lay_out(gang, 8).value();
  return {std::move(gang), std::move(layout)};
}

Endpoint at(const std::string& host, int port) {
  return {host, port, {{"dist", port + 1}}};
}

const std::map<ProcessId, Endpoint> kFirst = {
    {{kEtcd, 0, 0}, at("n1", 1)}, {{kDecode, 0, 0}, at("n1", 3)}, {{kRouter, 0, 0}, at("n1", 5)}};
const std::map<ProcessId, Endpoint> kSecond = {{{kDecode, 0, 1}, at("n2", 7)}};

TEST(GangStart, NothingStartsBeforeAllMembersArePrepared) {
  GangStart start = sample();
  EXPECT_EQ(start.waits_for(), "0 of 2 nodes are prepared");
  EXPECT_TRUE(start.prepared(0, kFirst));
  EXPECT_THAT(start.take_startable(0), IsEmpty());
  EXPECT_EQ(start.waits_for(), "1 of 2 nodes are prepared");
  EXPECT_EQ(start.addresses(kEtcd), std::nullopt);
  EXPECT_EQ(start.leader({kDecode, 0, 1}), nullptr);
  EXPECT_TRUE(start.prepared(1, kSecond));
  EXPECT_THAT(start.take_startable(0), ElementsAre(ProcessId{kEtcd, 0, 0}));
  EXPECT_THAT(start.take_startable(1), IsEmpty()) << "decode needs etcd";
}

TEST(GangStart, RolesStartAfterThoseThatTheyNeed) {
  GangStart start = sample();
  start.prepared(0, kFirst);
  start.prepared(1, kSecond);
  start.take_startable(0);
  EXPECT_EQ(start.waits_for(), "etcd: 0 of 1 processes are up");
  start.up({kEtcd, 0, 0});
  EXPECT_THAT(start.take_startable(0), ElementsAre(ProcessId{kDecode, 0, 0}));
  EXPECT_THAT(start.take_startable(1), ElementsAre(ProcessId{kDecode, 0, 1}));
  EXPECT_THAT(start.take_startable(1), IsEmpty()) << "each once";
  start.up({kDecode, 0, 1});
  EXPECT_THAT(start.take_startable(0), IsEmpty());
  EXPECT_EQ(start.waits_for(), "decode: 1 of 2 processes are up");
  start.up({kDecode, 0, 0});
  EXPECT_THAT(start.take_startable(0), ElementsAre(ProcessId{kRouter, 0, 0}));
  EXPECT_FALSE(start.client_may_start());
  start.up({kRouter, 0, 0});
  EXPECT_TRUE(start.client_may_start());
}

TEST(GangStart, ProcessesKnowTheAddressesOfRolesAndOfTheirLeader) {
  GangStart start = sample();
  start.prepared(0, kFirst);
  start.prepared(1, kSecond);
  EXPECT_EQ(start.addresses(kEtcd), "n1:1");
  EXPECT_EQ(start.addresses(kDecode), "n1:3") << "the worker's first process is its address";
  ASSERT_NE(start.leader({kDecode, 0, 1}), nullptr);
  EXPECT_EQ(*start.leader({kDecode, 0, 1}), at("n1", 3));
  EXPECT_EQ(*start.endpoint({kDecode, 0, 1}), at("n2", 7));
}

// A new controller gets the reports of a gang that has already started.
TEST(GangStart, ProcessThatIsUpIsNotStartedAgain) {
  GangStart start = sample();
  start.up({kEtcd, 0, 0});
  start.up({kDecode, 0, 0});
  start.prepared(1, kSecond);
  start.prepared(0, kFirst);
  EXPECT_THAT(start.take_startable(0), IsEmpty());
  EXPECT_THAT(start.take_startable(1), ElementsAre(ProcessId{kDecode, 0, 1}));
}

TEST(GangStart, WrongReportsAreRefused) {
  GangStart start = sample();
  EXPECT_FALSE(start.prepared(2, kFirst));
  EXPECT_FALSE(start.prepared(-1, kFirst));
  EXPECT_FALSE(start.prepared(0, kSecond));
  EXPECT_FALSE(start.prepared(1, {}));
  EXPECT_FALSE(start.up({kRouter, 1, 0}));
  EXPECT_TRUE(start.prepared(0, kFirst));
  auto other = kFirst;
  other[{kEtcd, 0, 0}].port = 99;
  EXPECT_TRUE(start.prepared(0, other)) << "a repeated report";
  start.prepared(1, kSecond);
  EXPECT_EQ(start.addresses(kEtcd), "n1:1") << "the first one counts";
}

}  // namespace
}  // namespace sweep::core
