// Properties that must hold for the simulated sweeps of bench_makespan.
#include <gtest/gtest.h>

#include "benchmarks/bench_makespan_simulation.hpp"

namespace sweep::bench {
namespace {

/// Returns `each` points for each of `keys` server keys, with 4 GPUs and a duration of `minutes` each.
std::vector<SimulatedPoint> points_of(int keys, int each, int minutes) {
  std::vector<SimulatedPoint> points;
  for (int i = 0; i < keys * each; ++i) {
    core::PointSpec spec{"p" + std::to_string(i), 4, "", "key" + std::to_string(i % keys)};
    points.push_back({spec, std::chrono::minutes(minutes)});
  }
  return points;
}

TEST(Makespan, EveryPointIsDoneAndNoTimeIsBelowTheBound) {
  const auto points = points_of(5, 8, 4);
  for (const int nodes : {1, 3, 9}) {
    EXPECT_GE(simulate_job_per_point(points, nodes, Millis(30'000), 1).time,
              lower_bound(points, nodes, false, 1));
    for (const AllocationRules rules :
         {AllocationRules{false, false}, AllocationRules{true, false}, AllocationRules{true, true}}) {
      const Makespan makespan = simulate_allocation(points, nodes, rules, 1);
      EXPECT_EQ(makespan.done, 40);
      EXPECT_GE(makespan.time, lower_bound(points, nodes, rules.pack_gpus, 1));
      EXPECT_LE(makespan.gpus_used, 1.0);
    }
  }
}

TEST(Makespan, WarmNodeStartsEachServerOnceAndColdNodeOncePerPoint) {
  const auto points = points_of(5, 8, 4);
  EXPECT_EQ(simulate_allocation(points, 1, {true, false}, 1).starts, 5);
  EXPECT_EQ(simulate_allocation(points, 1, {false, false}, 1).starts, 40);
  EXPECT_EQ(simulate_job_per_point(points, 1, Millis(30'000), 1).starts, 40);
}

TEST(Makespan, EachJobEndsAtTheNextPoll) {
  const auto points = points_of(1, 2, 1);
  const Millis poll = std::chrono::hours(1);
  EXPECT_EQ(simulate_job_per_point(points, 1, poll, 1).time, 2 * poll);
  EXPECT_EQ(simulate_job_per_point(points, 2, poll, 1).time, poll);
}

TEST(Makespan, ResultDependsOnlyOnTheSeed) {
  const auto points = points_of(7, 5, 3);
  EXPECT_EQ(simulate_allocation(points, 3, {true, true}, 4).time,
            simulate_allocation(points, 3, {true, true}, 4).time);
  EXPECT_NE(simulate_allocation(points, 3, {true, true}, 4).time,
            simulate_allocation(points, 3, {true, true}, 5).time);
}

}  // namespace
}  // namespace sweep::bench
