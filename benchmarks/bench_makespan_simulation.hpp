// Simulates a sweep in virtual time: as one job per point, or with the real controller core and nodes that
// keep their servers as agents do. Pure.
#pragma once

#include <cstdint>
#include <vector>

#include "benchmarks/bench_makespan_points.hpp"

namespace sweep::bench {

inline constexpr int kGpusPerNode = 8;
/// The time that a start of a server takes is uniformly distributed between these two. It depends on the server's key
/// and on how often a server of the key was started before, so that all ways of running a sweep are comparable.
inline constexpr Millis kShortestStart{180'000}, kLongestStart{600'000};
/// Time between two points on a running server: reset and health check.
inline constexpr Millis kReset{1'000};

/// An attempt of simulate_allocation().
struct SimulatedAttempt {
  std::string agent, server, point;
  int gpus = 0;          // that nothing else could use meanwhile
  Millis began{0};       // since the start of the allocation
  Millis start{0};       // of its server, or the reset of a running one
  Millis run{0};         // of the client
  bool started = false;  // a server
};

struct Makespan {
  Millis time{0};                          // from the start of the allocation to the last result
  int starts = 0;                          // number of server starts
  int done = 0;                            // number of points done
  double gpus_used = 0;                    // fraction of all GPUs' time in which a client used them
  std::vector<SimulatedAttempt> attempts;  // of simulate_allocation(), in the order of their leases
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

/// Returns a lower bound of the makespan: the shortest time for which neither of two conditions is violated. Without
/// `pack_gpus`, a point occupies a whole node.
///
/// Longest point: its client runs after one of its key's starts. No attempt fails, so the key has at most as many
/// starts as points, and the start before the client takes at least the shortest of these.
///
/// Work: in a sweep that lasts T, a server runs clients one after the other, for at most T minus its start. So a key
/// needs at least its clients' time divided by (T minus its shortest start) servers, rounded up. If it has n starts,
/// these are its starts 0 to n - 1. Every attempt without a start needs a reset, which is shorter than any start. All
/// this occupies GPUs, and no more than all GPUs for T. A longer T needs fewer starts and has more room, so if one T is
/// long enough, every longer one is.
Millis lower_bound(const std::vector<SimulatedPoint>& points, int nodes, bool pack_gpus, std::uint64_t seed);

}  // namespace sweep::bench
