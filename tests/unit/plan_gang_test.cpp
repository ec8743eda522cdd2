// plan: how many nodes a point of several servers takes.
#include <gtest/gtest.h>

#include "controller/plan/gang.hpp"
#include "proto/base/inferencex_entry.hpp"

namespace sweep {
namespace {

struct Sizes {
  std::int64_t workers, tp;
  const char* hardware = "";
};

Point gang(const std::string& runner, Sizes prefill, Sizes decode) {
  InferenceXEntry entry;
  const auto group = [](const Sizes& sizes) {
    WorkerGroup out;
    out.workers = sizes.workers;
    out.each.tp = sizes.tp;
    out.hardware = sizes.hardware;
    return out;
  };
  entry.workers = WorkerGroups{group(prefill), group(decode)};
  Point point;
  point.runner = runner;
  point.inferencex = std::make_shared<const InferenceXEntry>(entry);
  return point;
}

TEST(Gang, NodesAreThoseOfBothRoles) {
  EXPECT_EQ(nodes_needed(gang("cluster:b200-dgxc", {2, 4}, {1, 16})), 3);
  EXPECT_EQ(nodes_needed(gang("gb200", {2, 4}, {1, 16})), 6) << "4 GPUs on a node";
  EXPECT_EQ(nodes_needed(gang("h200", {1, 2}, {3, 2})), 1) << "all servers fit on one node";
  EXPECT_EQ(nodes_needed(gang("h200", {1, 4, "h100"}, {1, 4, "h200"})), 2)
      << "other hardware is another node";
  EXPECT_EQ(nodes_needed(gang("h200", {3, 2}, {1, 4})), 2) << "servers of one role share a node";
  EXPECT_EQ(nodes_needed(gang("mi355x", {2, 8}, {0, 8})), 2);
}

TEST(Gang, TextNamesGpusNodesAndServers) {
  EXPECT_EQ(gang_text(gang("h200", {2, 4}, {1, 16})), "24 GPUs on 3 nodes for 3 servers");
  EXPECT_EQ(gang_text(gang("h200", {1, 1}, {0, 1})), "1 GPU on 1 node for 1 server");
  EXPECT_EQ(gang_text(Point{}), "");
  EXPECT_EQ(nodes_needed(Point{}), 1);
}

}  // namespace
}  // namespace sweep
