// Which attempts run in the same working directory at the same time: what they write there under a fixed name may be
// mixed, so it is collected for none of them.
//
// Rules: an attempt that was written off counts until its agent has reported its end, because it may still run. Agents
// of earlier sessions are taken to be gone.
#pragma once

#include <utility>

#include "controller/core/state.hpp"

namespace sweep::core {

/// Returns true if another attempt may have written into the attempt's directory while it ran: one that ran there, or
/// one that has a lease and whose agent may have started it there without the controller knowing yet. Also true if
/// the attempt's directory is not known.
bool may_be_shared(const State& state, const AttemptRef& ref);

// Only for apply():

/// Records that the attempt (point index, number) has started in its directory, and marks it and the others there.
void enter_directory(State& state, std::pair<int, int> place);
/// Records that no process of the attempt is left. If its start was never reported, it may have run in any directory
/// of its agent. To be called before its agent stops holding it.
void leave_directory(State& state, std::pair<int, int> place);

}  // namespace sweep::core
