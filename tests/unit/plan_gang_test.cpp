// plan: what a point of several servers or nodes takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/plan/gang.hpp"
#include "proto/base/inferencex_entry.hpp"

namespace sweep {
namespace {

std::string text_of(const profile::Profile& profile, const Point& point) {
  return gang_spec(profile, point).value_or(core::GangSpec()).text;
}

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
  EXPECT_EQ(nodes_needed({}, gang("cluster:b200-dgxc", {2, 4}, {1, 16})), 3);
  EXPECT_EQ(nodes_needed({}, gang("gb200", {2, 4}, {1, 16})), 6) << "4 GPUs on a node";
  EXPECT_EQ(nodes_needed({}, gang("h200", {1, 2}, {3, 2})), 1) << "all servers fit on one node";
  EXPECT_EQ(nodes_needed({}, gang("h200", {1, 4, "h100"}, {1, 4, "h200"})), 2)
      << "other hardware is another node";
  EXPECT_EQ(nodes_needed({}, gang("h200", {3, 2}, {1, 4})), 2) << "servers of one role share a node";
  EXPECT_EQ(nodes_needed({}, gang("mi355x", {2, 8}, {0, 8})), 2);
}

TEST(Gang, TextNamesGpusNodesAndServers) {
  EXPECT_EQ(text_of({}, gang("h200", {2, 4}, {1, 16})), "24 GPUs on 3 nodes for 3 servers");
  EXPECT_EQ(text_of({}, gang("h200", {1, 1}, {0, 1})), "1 GPU on 1 node for 1 server");
  EXPECT_EQ(text_of({}, Point{}), "");
  EXPECT_EQ(nodes_needed({}, Point{}), 1);
}

/// Returns a profile whose recipe has two roles with GPUs and a router.
profile::Profile gang_profile() {
  profile::Profile out;
  profile::Role prefill, decode, router;
  prefill.name = "prefill";
  prefill.workers = {0, "PREFILL_NUM_WORKERS"};
  prefill.gpus = {4, ""};
  decode.name = "decode";
  decode.gpus = {0, "TP"};
  router.name = "router";
  router.on = "own";
  out.recipe.roles = {prefill, decode, router};
  out.recipe.public_role = "router";
  out.recipe.client = "bench";
  out.env = {{"PREFILL_NUM_WORKERS", "3"}};
  return out;
}

Point one_node_point(int tp) {
  Point point;
  point.runner = "b200";
  point.tp = tp;
  return point;
}

TEST(Gang, RecipeWithRolesMakesAGangOfAnyPoint) {
  const profile::Profile profile = gang_profile();
  const Point point = one_node_point(16);
  EXPECT_TRUE(is_gang(profile, point));
  EXPECT_EQ(gpus_needed(profile, point), 28);
  EXPECT_EQ(nodes_needed(profile, point), 5) << "2 of prefill, 2 of decode, 1 of the router";
  EXPECT_EQ(text_of(profile, point), "28 GPUs on 5 nodes for 5 servers");
  EXPECT_TRUE(check_gang(profile, point));
  EXPECT_FALSE(is_gang({}, point));
  EXPECT_EQ(gpus_needed({}, point), 16);
}

TEST(Gang, NumbersOfRolesAreThoseOfThePoint) {
  profile::Profile profile = gang_profile();
  const auto says = [&](int tp) {
    const auto good = check_gang(profile, one_node_point(tp));
    return good ? "" : good.error().message;
  };
  EXPECT_EQ(says(8), "");
  EXPECT_THAT(says(9),
              testing::StartsWith(
                  "role decode: the 9 GPUs of a worker cannot be divided equally over 2 nodes of 8 ("));
  profile.env[0].second = "x";
  EXPECT_EQ(says(8), "role prefill: 'workers' is the number in PREFILL_NUM_WORKERS, which is 'x'");
  profile.env.clear();
  EXPECT_EQ(says(8),
            "role prefill: 'workers' is the number in PREFILL_NUM_WORKERS, which the point does not have");
  profile.recipe.roles[0].workers = {0, ""};
  EXPECT_EQ(says(8), "") << "a role may have no workers";
  EXPECT_EQ(gang_spec(profile, one_node_point(8))->roles.size(), 2U);
  profile.recipe.public_role = "prefill";
  EXPECT_THAT(says(8),
              testing::StartsWith("role prefill, whose address the client gets, has no workers for "));
}

TEST(Gang, RolesOfAPointNeedOnlyThoseThatItHas) {
  profile::Profile profile = gang_profile();
  profile.recipe.roles[2].needs = {"prefill", "decode"};
  profile.recipe.roles[2].ports = {"dist"};
  EXPECT_THAT(gang_spec(profile, one_node_point(8))->roles[2].needs, testing::ElementsAre(0, 1));
  EXPECT_THAT(gang_spec(profile, one_node_point(8))->roles[2].ports, testing::ElementsAre("dist"));
  profile.recipe.roles[0].workers = {0, ""};
  EXPECT_THAT(gang_spec(profile, one_node_point(8))->roles[1].needs, testing::ElementsAre(0)) << "decode";
}

TEST(Gang, ScriptForSeveralNodesTakesThem) {
  profile::Profile profile;
  profile.recipe.script = profile::NodesScript{"bash run.sh", {3, ""}};
  EXPECT_EQ(nodes_needed(profile, one_node_point(8)), 3);
  EXPECT_EQ(text_of(profile, one_node_point(8)), "3 nodes for 1 server");
}

}  // namespace
}  // namespace sweep
