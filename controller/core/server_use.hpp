// What the beginning and the end of an attempt change about the servers that its agent probably runs, and about the
// durations that are expected of them. Only for apply().
#pragma once

#include "controller/core/events.hpp"

namespace sweep::core {

/// Updates the agent's warm servers when an attempt begins that takes `attempt_gpus` of its GPUs: it uses the server with
/// this key, and the agent stops the least recently used other ones that it needs GPUs of.
void use_server(const State& state, AgentStatus& agent, int key, int attempt_gpus);

/// Returns true if the server keeps running after an attempt that ended with this outcome.
bool leaves_server(OutcomeKind kind);

/// Adds the durations of an accepted result to the medians.
void record_duration(State& state, const PointStatus& point, const Ended& event);

}  // namespace sweep::core
