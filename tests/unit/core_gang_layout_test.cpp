// controller/core: which nodes and GPUs the processes of a gang get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/core/gang_layout.hpp"

namespace sweep::core {
namespace {

using Kind = GangPlace::Kind;
using testing::HasSubstr;

/// Returns a layout as text: nodes in brackets, on each "ROLE.INDEX.RANK:GPUS".
std::string text_of(const std::vector<GangRole>& roles, int gpus_per_node, GangPlace client = {Kind::Head}) {
  const auto layout = lay_out({"", roles, client}, gpus_per_node);
  if (!layout) return layout.error().message;
  std::string out;
  for (const GangNode& node : layout->nodes) {
    std::string line;
    for (const GangProcess& process : node.processes)
      line += (line.empty() ? "" : " ") + roles[static_cast<std::size_t>(process.role)].name + "." +
              std::to_string(process.index) + "." + std::to_string(process.rank) + ":" +
              std::to_string(process.gpus);
    out += "[" + line + "]";
  }
  return out + " client " + std::to_string(layout->client);
}

GangRole workers(const std::string& name, int count, int gpus, int nodes = 0) {
  GangRole role;
  role.name = name;
  role.workers = count;
  role.gpus = gpus;
  role.nodes = nodes;
  return role;
}

GangRole service(const std::string& name, GangPlace on, int count = 1) {
  GangRole role = workers(name, count, 0);
  role.place = on;
  return role;
}

TEST(Layout, LargeWorkersGetWholeNodes) {
  EXPECT_EQ(text_of({workers("p", 1, 8), workers("d", 1, 16)}, 8), "[p.0.0:8][d.0.0:8][d.0.1:8] client 0");
  EXPECT_EQ(text_of({workers("p", 2, 8)}, 4), "[p.0.0:4][p.0.1:4][p.1.0:4][p.1.1:4] client 0");
  EXPECT_EQ(text_of({workers("d", 1, 12)}, 8), "[d.0.0:6][d.0.1:6] client 0") << "equal shares";
}

TEST(Layout, SmallWorkersOfARoleShareNodes) {
  EXPECT_EQ(text_of({workers("p", 3, 4)}, 8), "[p.0.0:4 p.1.0:4][p.2.0:4] client 0");
  EXPECT_EQ(text_of({workers("p", 3, 3)}, 8), "[p.0.0:3 p.1.0:3][p.2.0:3] client 0") << "2 GPUs stay idle";
  EXPECT_EQ(text_of({workers("p", 1, 4), workers("d", 2, 4)}, 8), "[p.0.0:4][d.0.0:4 d.1.0:4] client 0")
      << "another role begins with another node";
}

TEST(Layout, RolesShareANodeIfAllFitOnIt) {
  EXPECT_EQ(text_of({workers("p", 1, 2), workers("d", 3, 2)}, 8),
            "[p.0.0:2 d.0.0:2 d.1.0:2 d.2.0:2] client 0");
}

TEST(Layout, NodesOfAWorkerCanBeGiven) {
  EXPECT_EQ(text_of({workers("d", 1, 8, 2)}, 8), "[d.0.0:4][d.0.1:4] client 0");
  EXPECT_EQ(text_of({workers("d", 2, 0, 2)}, 8), "[d.0.0:0][d.0.1:0][d.1.0:0][d.1.1:0] client 0")
      << "without GPUs";
}

TEST(Layout, ProcessesArePerNodeOrPerGpu) {
  GangRole decode = workers("d", 1, 4);
  decode.processes = ProcessesPer::Gpu;
  EXPECT_EQ(text_of({decode}, 2), "[d.0.0:1 d.0.1:1][d.0.2:1 d.0.3:1] client 0");
}

TEST(Layout, ServicesArePlaced) {
  const GangRole prefill = workers("p", 2, 8);
  const GangPlace head{Kind::Head}, own{Kind::Own}, second{Kind::Worker, 2, 1};
  EXPECT_EQ(text_of({service("etcd", head), prefill}, 8), "[p.0.0:8 etcd.0.0:0][p.1.0:8] client 0");
  EXPECT_EQ(text_of({service("etcd", own), prefill}, 8, own), "[p.0.0:8][p.1.0:8][][etcd.0.0:0] client 2");
  EXPECT_EQ(text_of({service("router", second), service("x", {Kind::Client}), prefill}, 8, second),
            "[p.0.0:8][p.1.0:8 router.0.0:0 x.0.0:0] client 1");
  EXPECT_EQ(text_of({service("mon", {Kind::Each}), service("etcd", own), prefill}, 8),
            "[p.0.0:8 mon.0.0:0][p.1.0:8 mon.1.0:0][etcd.0.0:0 mon.2.0:0] client 0");
  EXPECT_EQ(text_of({service("w", own, 3), service("router", head)}, 8),
            "[router.0.0:0][w.0.0:0][w.1.0:0][w.2.0:0] client 0")
      << "without GPUs the head is a node of its own";
}

TEST(Layout, ImpossibleLayoutIsNamed) {
  EXPECT_EQ(text_of({workers("d", 1, 9)}, 8),
            "role d: the 9 GPUs of a worker cannot be divided equally over 2 nodes of 8");
  EXPECT_EQ(text_of({workers("d", 1, 12, 1)}, 8),
            "role d: the 12 GPUs of a worker cannot be divided equally over 1 node of 8");
  EXPECT_EQ(text_of({workers("d", 1, 8), service("r", {Kind::Worker, 0, 1})}, 8),
            "role r is placed on 'd.1', but the point has no such worker");
  EXPECT_EQ(text_of({workers("d", 1, 8)}, 8, {Kind::Worker, -1, 0}),
            "the client is placed on worker 0 of a role that the point does not have");
}

}  // namespace
}  // namespace sweep::core
