// Effects: messages to send to agents after the events that cause them have been committed.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "controller/core/events.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::core {

/// The driver fills in the Welcome message.
struct SendWelcome {
  std::string agent;
};
/// The driver fills in the Lease message.
struct SendLease {
  std::string agent;
  AttemptRef ref;
};
struct SendMessage {
  std::string agent;
  wire::Message message;
};
using Effect = std::variant<SendWelcome, SendLease, SendMessage>;

/// Returns the messages that an event causes, given the state right after the event was applied.
std::vector<Effect> effects(const State& state, const Event& event);

/// Returns the message that ends an agent, with the state of the points from which its exit status follows.
wire::Drain drain_message(const State& state, const std::string& reason);

/// Returns the messages that the agent may have missed: unstarted leases, cancellations, the sweep's end.
std::vector<Effect> missed_messages(const State& state, const std::string& agent);

/// Removes the effects for `agent`. The driver calls it when the agent sends Hello on a new connection: the
/// effects still waiting were meant for the previous connection, and the decision about Hello repeats those
/// that still apply.
void drop_effects_for(std::vector<Effect>& effects, const std::string& agent);

}  // namespace sweep::core
