// Simulates a sweep in virtual time: as one job per point, or with the real controller core and nodes that
// keep their servers as agents do. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/bench_makespan_points.hpp"

namespace sweep::bench {

inline constexpr int kGpusPerNode = 8;
/// The time that a server takes to start is uniformly distributed between these two.
inline constexpr Millis kShortestStart{180'000}, kLongestStart{600'000};
/// Time between two points on a running server: reset and health check.
inline constexpr Millis kReset{1'000};

struct Makespan {
  Millis time{0};        // from the start of the allocation to the last result
  int starts = 0;        // number of server starts
  int done = 0;          // number of points done
  double gpus_used = 0;  // fraction of all GPUs' time in which a client used them
};

/// Simulates one job per point; each job has a node to itself and starts its own server. `nodes` runners
/// process the points in order; each notices the end of its job at its next poll, which happens every `poll`.
/// Time in Slurm's queue is not counted.
Makespan simulate_job_per_point(const std::vector<SimulatedPoint>& points, int nodes, Millis poll,
                                std::uint64_t seed);

struct AllocationRules {
  bool reuse_servers = false;  // points with the same key share a server
  bool pack_gpus = false;      // several points per node on disjoint GPUs
};

/// Simulates one allocation of `nodes` nodes, in which the real controller core grants the leases.
Makespan simulate_allocation(const std::vector<SimulatedPoint>& points, int nodes,
                             const AllocationRules& rules, std::uint64_t seed);

/// Returns a lower bound of the makespan: each server is started at least once in the shortest time and no
/// GPU is ever idle; and at least the time of the longest point including its server's start. Without
/// `pack_gpus`, a point has a node to itself.
Millis lower_bound(const std::vector<SimulatedPoint>& points, int nodes, bool pack_gpus);

}  // namespace sweep::bench
