// Faults that --fault injects, and which requests they affect: this depends only on the seed and the number
// of the request, so the same seed makes the same requests fail. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "util/error.hpp"

namespace sweep::sim_server {

/// The fault of one request. Those from Stall on happen after half of its tokens have been sent.
enum class Fault {
  None,
  Error,        ///< status 500
  Empty,        ///< status 200 and no content
  Stall,        ///< nothing more is sent, the connection stays open
  Cut,          ///< the connection is closed
  Garbage,      ///< bytes that are not an event, then the normal end
  HalfJson,     ///< an event with truncated JSON, then the normal end
  EndlessLine,  ///< an event that never ends, until the client disconnects
};

inline constexpr std::size_t kFaults = 8;

/// A planned end of the process.
struct PlannedExit {
  double seconds = 0;  ///< after its start, in real time
  int status = 0;
};

/// All values of --fault.
struct FaultPlan {
  std::array<double, kFaults> rates{};              ///< indexed by Fault; the remaining requests succeed
  std::optional<std::uint32_t> crash_after;         ///< the process aborts after this many answered requests
  std::optional<std::uint32_t> die_after_requests;  ///< the process kills itself when so many have arrived
  std::optional<PlannedExit> exit;
  bool never_ready = false;
  bool never_connect = false;          ///< a rank other than 0 does not connect to rank 0
  bool knows_one_worker_less = false;  ///< a router ignores its last worker
  double slow_start = 0;               ///< seconds for which loading pauses before it completes
};

/// The process whose faults are planned.
struct FaultyProcess {
  bool router = false;
  bool follower = false;  ///< a rank other than 0, which gets no requests
};

/// Fails if a fault can never happen in this process; the message names the process that has the fault.
Expected<void> check_faults(const FaultPlan& plan, const FaultyProcess& process);

/// Parses "cut=0.1", "crash-after=20", "never-ready" and so on. Fails with a message that lists the known
/// faults.
Expected<FaultPlan> read_faults(std::span<const std::string> words);

/// Returns the fault of request `number` (from 0).
Fault fault_of(const FaultPlan& plan, std::uint64_t seed, std::uint64_t number);

}  // namespace sweep::sim_server
