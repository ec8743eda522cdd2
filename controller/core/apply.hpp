// Changes a State by an event. This is the only place where a State changes, except mark_seen() (decide.hpp).
#pragma once

#include "controller/core/events.hpp"

namespace sweep::core {

/// Updates `state` by `event`. Never fails; the event must fit the state (replay() checks events from files).
void apply(State& state, const Event& event);

/// Treats agents that are not gone as if each had sent a message at `at`. Only for apply() and mark_seen().
void restart_silence(State& state, Instant at);

}  // namespace sweep::core
