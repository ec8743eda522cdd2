// The time limits of an attempt: which of them applies in which part of it.
#pragma once

#include <optional>
#include <string>

#include "proto/wire/messages.hpp"
#include "util/time.hpp"

namespace sweep::agent {

/// When the parts of an attempt began; std::nullopt if one has not begun.
struct AttemptTimes {
  std::optional<Instant> waiting_since;  // for its image, GPUs or server
  std::optional<Instant> started_at;     // the benchmark's first process
  std::optional<Instant> ready_at;  // its server is ready, or its client or the client's main run has begun
  std::optional<Instant> ended_at;  // the benchmark's first process

  /// Returns when the benchmark ended, or `now`; never before a part of it began. That could be the case after a
  /// suspension: the clock is set back once it is noticed, and parts may have begun just before that.
  Instant end(Instant now) const;
};

/// Whose server a benchmark uses.
enum class ServerOf {
  Nobody,  // a script that has not shown that it starts a server
  Script,  // one that the script starts
  Agent    // one that the agent has started: the benchmark is its client
};

struct TimeLimit {
  Instant at;
  std::string reason;  // for the outcome, if the attempt has not ended by then
};

/// Returns the earliest limit for an attempt that is waiting for its server (timeouts.point_ms only).
std::optional<TimeLimit> limit_while_waiting(const wire::Lease& lease, const AttemptTimes& times);

/// Returns the limit for a running evaluation of a recipe, which has a started_at (timeouts.point_ms only).
std::optional<TimeLimit> limit_while_evaluating(const wire::Lease& lease, const AttemptTimes& times);

/// Returns the earliest limit for a running benchmark, which has a started_at. The limit for a server applies
/// only if there is one. std::nullopt if the lease has no limit.
std::optional<TimeLimit> limit_while_running(const wire::Lease& lease, ServerOf server,
                                             const AttemptTimes& times);

}  // namespace sweep::agent
