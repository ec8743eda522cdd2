// Decides which agent gets which point next, and when the sweep is over.
//
// Order: points with the largest GPU demand first, then matrix order. A point goes to the agent with the
// fewest free GPUs that are enough, and avoids nodes whose infrastructure failed under it if there is
// another.
//
// A server that failed to start is started again by one point only (server_starts.hpp).
//
// If points need servers, an agent with an idle server takes further points of that server. Other agents take
// the first point of a key that no server runs for; if there is none, they start another server for the key
// with the most waiting points per server, unless the running servers will be done before it has started.
#pragma once

#include <vector>

#include "controller/core/events.hpp"

namespace sweep::core {

/// Returns the events of one scheduling round: one lease, or the points that no agent can run or whose
/// server does not start, or Closed.
/// Empty if nothing is to be done now. Used by decide(Tick).
std::vector<Event> schedule(const State& state, Instant now);

}  // namespace sweep::core
