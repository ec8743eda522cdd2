// Rebuilds a State from the events of a journal.
#pragma once

#include <vector>

#include "controller/core/events.hpp"
#include "util/error.hpp"

namespace sweep::core {

/// Applies the events of a journal. Fails, naming the event, if one does not fit the events before it, and if
/// the resulting state violates an invariant; so a damaged journal cannot crash its reader.
Expected<void> replay(State& state, const std::vector<Event>& events);

}  // namespace sweep::core
