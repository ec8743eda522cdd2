// Decides what follows if the server of a recipe does not start.
//
// A key whose server failed to start is remembered for the session. Its other points wait: one of them, the
// canary, starts the server once more, on another node if there is one. If that server gets ready, the key is
// forgotten and all its points go on. If it fails too, the waiting points fail together (ServerUnusable)
// instead of a full start each. A start that failed because of the node (infrastructure) is not remembered.
#pragma once

#include <string>
#include <vector>

#include "controller/core/events.hpp"

namespace sweep::core {

/// Returns how many failed starts make a key's server unusable: as many as one point may cause by its retries,
/// but at least two, because the first one may be its node's fault.
int starts_allowed(const Settings& settings);

/// True if an attempt of a point with a server ended with this outcome because its server did not become ready, or
/// the server's image could not be staged.
bool failed_to_start(const Outcome& outcome);

/// Returns the key's failed starts; nullptr if there are none, or for key -1.
const FailedStarts* find_failed_starts(const State& state, int key);

/// True if an eligible agent could run the point, now or later, on a node on which neither its infrastructure
/// nor its server has failed.
bool has_untried_node(const State& state, const PointStatus& point, Instant now);

/// True if the point avoids the node as long as another one can run it: infrastructure failed on it under the
/// point, or the point's server failed to start there.
bool avoids(const State& state, const PointStatus& point, const std::string& node);

/// True if only avoided nodes are left for the point, and no agent will join that could change that.
bool must_use_avoided_node(const State& state, const PointStatus& point, Instant now);

/// True if no server may be started for the key now: the attempt in progress will show whether it starts, or it
/// has failed often enough.
bool start_is_held_back(const State& state, int key, Instant now);

/// True if the key's server has failed often enough: its waiting points can only use a server that is running.
bool starts_are_over(const State& state, int key, Instant now);

/// Returns a ServerUnusable event for each key whose server has failed to start often enough, unless a server of the
/// key is in use. The event names the waiting points that no idle server of the key fits.
std::vector<Event> unusable_servers(const State& state, Instant now);

/// Updates the key's failed starts when an attempt on the node ended. Only for apply().
void note_start(State& state, int key, const std::string& node, const Outcome& outcome);
/// A server of the key is ready. Only for apply().
void forget_failed_starts(State& state, int key);

}  // namespace sweep::core
