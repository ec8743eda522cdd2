// bench_makespan's virtual sweeps: what must hold of every figure that it prints.
#include <gtest/gtest.h>

#include "benchmarks/bench_makespan_simulation.hpp"

namespace sweep::bench {
namespace {

/// So many points of each key, on 4 GPUs, of so many minutes.
std::vector<SimulatedPoint> points_of(int keys, int each, int minutes) {
  std::vector<SimulatedPoint> points;
  for (int i = 0; i < keys * each; ++i) {
    core::PointSpec spec{"p" + std::to_string(i), 4, "", "key" + std::to_string(i % keys)};
    points.push_back({spec, std::chrono::minutes(minutes)});
  }
  return points;
}

TEST(Makespan, EveryPointIsDoneAndNobodyIsBelowTheBound) {
  const auto points = points_of(5, 8, 4);
  for (const int nodes : {1, 3, 9}) {
    EXPECT_GE(play_jobs(points, nodes, Millis(30'000), 1).time, lower_bound(points, nodes, false));
    for (const CrewRules rules : {CrewRules{false, false}, CrewRules{true, false}, CrewRules{true, true}}) {
      const Makespan seen = play_crew(points, nodes, rules, 1);
      EXPECT_EQ(seen.done, 40);
      EXPECT_GE(seen.time, lower_bound(points, nodes, rules.pack_gpus));
      EXPECT_LE(seen.gpus_used, 1.0);
    }
  }
}

TEST(Makespan, OneNodeStartsEachServerOnceAndAColdSweepOnePerPoint) {
  const auto points = points_of(5, 8, 4);
  EXPECT_EQ(play_crew(points, 1, {true, false}, 1).starts, 5);
  EXPECT_EQ(play_crew(points, 1, {false, false}, 1).starts, 40);
  EXPECT_EQ(play_jobs(points, 1, Millis(30'000), 1).starts, 40);
}

TEST(Makespan, APollIsWaitedForAfterEachJob) {
  const auto points = points_of(1, 2, 1);
  const Millis poll = std::chrono::hours(1);
  EXPECT_EQ(play_jobs(points, 1, poll, 1).time, 2 * poll);
  EXPECT_EQ(play_jobs(points, 2, poll, 1).time, poll);
}

TEST(Makespan, TheSameSeedMakesTheSameSweep) {
  const auto points = points_of(7, 5, 3);
  EXPECT_EQ(play_crew(points, 3, {true, true}, 4).time, play_crew(points, 3, {true, true}, 4).time);
  EXPECT_NE(play_crew(points, 3, {true, true}, 4).time, play_crew(points, 3, {true, true}, 5).time);
}

}  // namespace
}  // namespace sweep::bench
