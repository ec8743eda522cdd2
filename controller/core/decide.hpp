// Decides what a command means for a sweep: which events happen, and which messages are sent.
//
// The driver's round: advance() every command that has arrived, commit all events in one transaction, and
// only then send the replies.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controller/core/commands.hpp"
#include "controller/core/effects.hpp"
#include "controller/core/events.hpp"
#include "controller/core/state.hpp"

namespace sweep::core {

struct Decision {
  std::vector<Event> events;
  /// From decide(): messages to the sender that are repeated. From advance(): these and the effects of all
  /// events, in order.
  std::vector<Effect> replies;
  std::string rejected;  // why the command was rejected, for the log; empty: it was not
};

/// Returns what `command` means for the state. Never asserts on anything that a peer sent.
Decision decide(const State& state, const Command& command, Instant now);

/// Called with the state right after each event was applied to it.
using OnEvent = std::function<void(const State&, const Event&)>;

/// Decides the command and applies its events, then decides Tick until nothing more follows. Returns all
/// events and all messages to send, each in order. Effects are computed right after their event was applied,
/// because later events may change the state that they describe.
Decision advance(State& state, const Command& command, Instant now, const OnEvent& on_event = {});

/// Records that a message of the agent arrived. If no agent had sent one for agent_timeout, the silence of all
/// begins anew. This is not an event, and so not in the journal.
void mark_seen(State& state, const std::string& agent, Instant now);

/// Takes `time`, in which the controller did not read messages, out of every agent's silence, but counts no
/// agent as seen later than `now`.
void excuse_silence(State& state, Millis time, Instant now);

}  // namespace sweep::core
