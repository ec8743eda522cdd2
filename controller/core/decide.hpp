// What may happen to a sweep from outside, and what it answers.
//
// The driver's round: advance() each command that has come, commit all events in one transaction, and only
// then let the replies out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/core/events.hpp"
#include "controller/core/state.hpp"

namespace sweep::core {

// ---- commands

struct Hello {
  AgentInfo agent;
};
struct Ready {
  std::string agent;
  std::optional<Instant> job_ends = {};                 // where the agent knows it
  std::optional<std::vector<std::string>> serves = {};  // runners; nothing: all of them
};
struct AttemptStarted {
  std::string agent;
  AttemptRef ref;
  std::int64_t pid = 0;
};
/// The driver has checked the result file of an ok outcome before, and made it invalid-result where it is
/// not.
struct AttemptFinished {
  std::string agent;
  AttemptRef ref;
  Outcome outcome;
  Millis wall{0};
  std::string of = {};  // whose attempt it is, where the sender found its end in a spool
  Account account = {};
  std::vector<std::string> invalid = {};  // why an ok result is not valid
};
/// The controller has read the journal of one that died, and is where that was.
struct Recover {
  std::string version;
};
/// The controller has read the journal of a sweep that ended or was left, and is to go on with it.
struct Resume {
  std::string version, job;
  bool retry_failed = false;
  std::vector<std::string> withdrawn;
};
/// Nothing but a sign of life; answered with what the agent may have missed.
struct Heartbeat {
  std::string agent;
};
struct Goodbye {
  std::string agent;
  std::string reason;
};
struct Stop {
  std::string reason;
  Millis patience{0};  // how long to wait for the agents
};
/// Time has passed, or something has changed: lease, time out, close.
struct Tick {};

using Command = std::variant<Hello, Ready, AttemptStarted, AttemptFinished, Heartbeat, Goodbye, Stop, Tick,
                             Recover, Resume>;

// ---- effects: what has to go out once the events are committed

struct SendWelcome {  // Welcome
  std::string agent;
};
struct SendLease {  // Lease
  std::string agent;
  AttemptRef ref;
};
struct SendMessage {
  std::string agent;
  wire::Message message;
};
using Effect = std::variant<SendWelcome, SendLease, SendMessage>;

/// Takes out what was to be said to `agent` over the connection that it had before: as lost as what was under
/// way on it. What still holds the decision about its Hello says again. For drivers, when an agent joins.
void forget_unsaid(std::vector<Effect>& effects, const std::string& agent);

struct Decision {
  std::vector<Event> events;
  /// Of decide: what the sender was told before and is told again. Of advance: that and the effects, in
  /// order.
  std::vector<Effect> replies;
  std::string rejected;  // why the command made no sense; for the log. Empty: it did
};

/// What `command` means for the state now. Never asserts on what a peer sent.
Decision decide(const State& state, const Command& command, Instant now);

/// Called with the state right after each event was applied to it.
using Witness = std::function<void(const State&, const Event&)>;

/// decide and apply, then Tick until nothing follows: all events that came of it, and all that has to go out,
/// each in order. Effects are taken right after their event was applied: later events may already have
/// changed what they tell of.
Decision advance(State& state, const Command& command, Instant now, const Witness& witness = {});

/// What the event asks for, given the state right after it was applied.
std::vector<Effect> effects(const State& state, const Event& event);

/// What an agent ought to know and may have missed: its unstarted leases, cancellations, the end.
std::vector<Effect> reminders(const State& state, const std::string& agent);

/// An agent was heard. Not an event: signs of life are not journalled.
void observe(State& state, const std::string& agent, Instant now);

/// One round of scheduling; the events of Tick. Used by decide.
std::vector<Event> schedule(const State& state, Instant now);

}  // namespace sweep::core
