// view: what a plan consists of, as a table.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/view/plan_table.hpp"
#include "util/json.hpp"

namespace sweep::view {
namespace {

using nlohmann::ordered_json;

ordered_json entry(const char* more) {
  ordered_json out = ordered_json::parse(R"({"image": "i", "model": "org/m", "model-prefix": "dsr1",
      "precision": "fp4", "framework": "sglang", "runner": "cluster:b200-nb", "exp-name": "dsr1_8k1k"})");
  out.update(ordered_json::parse(more));
  return out;
}

Plan sample(profile::Profile profile = {}) {
  auto plan = make_plan(
      {entry(R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 4})"),
       entry(R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 8})"),
       entry(
           R"({"tp": 8, "conc": 8, "scenario-type": "agentic-coding", "kv-offloading": "none", "duration": 1800,
                 "total-cpu-dram-gb": 0})"),
       entry(R"({"isl": 1, "osl": 1, "max-model-len": 9, "runner": "gb200", "conc": [1, 2],
                 "prefill": {"num-worker": 1, "tp": 4}, "decode": {"num-worker": 2, "tp": 8}})")},
      std::move(profile));
  EXPECT_TRUE(plan) << plan.error().message;
  return plan.value_or(Plan{});
}

TEST(PlanTable, CountsPointsByScenarioHardwareNodesAndGpus) {
  EXPECT_EQ(
      plan_table(sample()),
      "  scenario        hardware  nodes  GPUs  points\n"
      "  agentic-coding  b200          1     8       1\n"
      "  fixed-seq-len   b200          1     4       2\n"
      "  fixed-seq-len   gb200         5    20       2  gangs\n"
      "  2 points need several servers or nodes (gangs); this version does not run them: they will fail\n");
  EXPECT_EQ(plan_table_json(sample())[2].dump(),
            R"({"scenario":"fixed-seq-len","hardware":"gb200","nodes":5,"gpus":20,"gang":true,"points":2})");
}

TEST(PlanTable, PointWithRolesNamesItsNodesAndRoles) {
  profile::Profile profile;
  profile::Role prefill, router;
  prefill.name = "prefill";
  prefill.workers = {2, ""};
  prefill.gpus = {8, ""};
  router.name = "router";
  profile.recipe.roles = {prefill, router};
  profile.recipe.public_role = "router";
  profile.recipe.client = "bench";
  const Plan plan = sample(profile);
  EXPECT_EQ(point_line(plan, plan.points[0]),
            label(plan.points[0]) + " (2 nodes: prefill 2 x 8 GPUs, router)");
  EXPECT_EQ(point_json(plan, plan.points[0])["nodes"], 2);
  EXPECT_EQ(point_json(plan, plan.points[0])["roles"].dump(),
            R"([{"name":"prefill","workers":2,"gpus":8},{"name":"router","workers":1,"gpus":0}])");
  const Plan without = sample();
  EXPECT_EQ(point_line(without, without.points[0]), label(without.points[0]));
  EXPECT_FALSE(point_json(without, without.points[0]).contains("roles"));
}

TEST(PlanTable, EvaluationsAreCounted) {
  EXPECT_EQ(evals_text(sample()), "");
  const char* const more[] = {
      R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 4, "run-eval": true})",
      R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 8, "run-eval": true})",
      R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 8, "run-eval": true,
                                  "eval-only": true})",
      R"({"isl": 1, "osl": 1, "max-model-len": 9, "tp": 4, "conc": 16, "run-eval": false})"};
  std::vector<ordered_json> entries;
  for (const char* one : more)
    entries.push_back(entry(one));
  Plan plan = *make_plan(entries, {});
  EXPECT_EQ(evals_text(plan), "3 points have an evaluation, 1 of them nothing else");
  EXPECT_EQ(evals_json(plan).dump(), R"({"points":3,"only":1})");
  plan.withdrawn = {plan.points[1].id, plan.points[2].id};
  EXPECT_EQ(evals_text(plan), "1 point has an evaluation");
}

TEST(PlanTable, WithdrawnPointsAreNotCounted) {
  Plan plan = sample();
  plan.withdrawn.insert(plan.points[2].id);
  EXPECT_EQ(plan_rows(plan).size(), 2U);
}

TEST(PlanTable, NodeHoursAreThoseOfKnownDurations) {
  EXPECT_EQ(node_hours_text(sample()),
            "about 0.5 node-hours for 1 point; the durations of 2 points are unknown");
  profile::Profile profile;
  profile.point_timeout_declared = true;
  profile.timeouts.point = Millis(3'600'000);
  EXPECT_EQ(node_hours_text(sample(profile)), "about 2.5 node-hours for 3 points");
  EXPECT_EQ(node_hours_text(Plan{}), "");
}

}  // namespace
}  // namespace sweep::view
