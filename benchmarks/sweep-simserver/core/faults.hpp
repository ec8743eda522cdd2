// What goes wrong on request (--fault), and in which requests: drawn from the seed and the request's number,
// so that the same seed fails the same ones. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "util/error.hpp"

namespace sweep::sim_server {

/// What happens to one request. Those from Stall on happen when half of its tokens are out.
enum class Fault {
  None,
  Error,        ///< status 500
  Empty,        ///< status 200 and nothing
  Stall,        ///< nothing more comes, and the connection stays
  Cut,          ///< the connection is closed
  Garbage,      ///< bytes that are no event, then the end as usual
  HalfJson,     ///< an event with half of its JSON, then the end as usual
  EndlessLine,  ///< an event that never ends, until the client leaves
};

inline constexpr std::size_t kFaults = 8;

/// All of --fault.
struct FaultPlan {
  std::array<double, kFaults> rates{};  ///< by Fault; the rest of 1 goes well
  std::optional<std::uint32_t>
      crash_after;  ///< the process ends itself when so many requests have been answered
  bool never_ready = false;
  double slow_start = 0;  ///< seconds for which loading stands still before it ends
};

/// Reads "cut=0.1", "crash-after=20", "never-ready" and so on. Fails with what is wrong and what there is.
Expected<FaultPlan> read_faults(std::span<const std::string> words);

/// What happens to request `number` (from 0).
Fault fault_of(const FaultPlan& plan, std::uint64_t seed, std::uint64_t number);

}  // namespace sweep::sim_server
