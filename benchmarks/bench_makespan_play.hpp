// A sweep in virtual time: once as one job per point, once through the real core with nodes that keep their
// servers as agents do. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/bench_makespan_points.hpp"

namespace sweep::bench {

inline constexpr int kGpusPerNode = 8;
/// A server takes this long to start, evenly drawn for each start.
inline constexpr Millis kShortestStart{180'000}, kLongestStart{600'000};
/// Between two points on a running server: reset and health.
inline constexpr Millis kReset{1'000};

struct Makespan {
  Millis time{0};        // from the allocation to the last result
  int starts = 0;        // of servers
  int done = 0;          // points
  double gpus_used = 0;  // the share of all GPUs' time in which a client ran against them
};

/// One job per point, each with the node for itself and its server started anew. `nodes` runners take the
/// points in order; each sees that its job has ended at its next look, of which there is one every `poll`.
/// Nothing is counted for the queue.
Makespan play_jobs(const std::vector<SimulatedPoint>& points, int nodes, Millis poll, std::uint64_t seed);

struct CrewRules {
  bool warm = false;       // points of one key share a server
  bool pack_gpus = false;  // several points per node on disjoint GPUs
};

/// One allocation of `nodes` nodes, leased by the real core.
Makespan play_crew(const std::vector<SimulatedPoint>& points, int nodes, const CrewRules& rules,
                   std::uint64_t seed);

/// Less than this nobody can take: each server started at least once in the shortest time, no GPU idle; nor
/// less than the longest point with its server's start. `pack_gpus`: else a point has its node for itself.
Millis lower_bound(const std::vector<SimulatedPoint>& points, int nodes, bool pack_gpus);

}  // namespace sweep::bench
