// What happened, as the journal keeps it.
//
// Rules: an event says everything that apply() needs: apply decides nothing, fails on nothing, and is the
// same live and in replay. New kinds and new fields may be added; the meaning of old ones never changes.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <variant>

#include "controller/core/state.hpp"
#include "util/error.hpp"

namespace sweep::core {

struct AgentJoined {
  AgentInfo agent;
};
struct AgentReady {
  std::string agent;
  std::optional<std::vector<std::string>> serves = {};  // runners; nothing: all of them
};
/// Slurm ends a job at this time.
struct JobEnds {
  std::string job;
  Instant end{};
};
struct AgentGone {
  std::string agent;
  std::string reason;
};
/// An agent that was taken for gone is heard again. What it still runs is taken back where nobody else has
/// it.
struct AgentReturned {
  std::string agent;
};
struct Leased {
  AttemptRef ref;
  std::string agent;
};
struct Started {
  AttemptRef ref;
  std::int64_t pid = 0;
};
struct Ended {
  AttemptRef ref;
  Outcome outcome;
  Millis wall{0};
  bool accepted = false;                  // its result becomes the point's result
  bool lost = false;                      // written off without word from its agent
  bool counted = false;                   // against the point's retries
  PointState next = PointState::Pending;  // of the point
  Account account = {};
  std::vector<std::string> invalid = {};  // why its result is not valid; empty: it is
};
/// No agent of this sweep can ever run the point.
struct Unfit {
  std::string point;
  std::string reason;
};
struct Stopping {
  std::string reason;
  Instant deadline{};  // until when to wait for the agents
};
struct Closed {
  bool complete = false;
  std::string reason;
};
/// A node gets no more work in this session.
struct Quarantined {
  std::string node;
  std::string reason;
};
/// A controller took the place of one that died, on the same address: the agents go on.
struct Recovered {
  std::string version;  // of the controller
};
/// A new controller goes on with the sweep, with new agents.
struct Resumed {
  std::string version;
  std::string job;
  bool retry_failed = false;
  std::vector<std::string> withdrawn;  // all points of the journal that the sweep has no more
};
/// A result was found in a damaged journal whose account of it was lost.
struct Salvaged {
  AttemptRef ref;
  std::string node;
};

using EventBody = std::variant<AgentJoined, AgentReady, AgentGone, AgentReturned, Leased, Started, Ended,
                               Unfit, Stopping, Closed, JobEnds, Quarantined, Recovered, Resumed, Salvaged>;

struct Event {
  Instant at{};
  EventBody what;
};

/// Makes `state` what it is after `event`. Total: an event that does not fit the state is a bug of ours.
void apply(State& state, const Event& event);

/// Applies the events of a journal. Fails, naming the event, on one that does not fit the state before it,
/// and when the state that comes out breaks its own rules: a damaged journal must not end the reader.
Expected<void> replay(State& state, const std::vector<Event>& events);

/// The word for an event's kind in the journal: "leased".
std::string_view event_word(const EventBody& what);
nlohmann::json event_to_json(const EventBody& what);
/// Fails, naming the field, on anything that event_to_json does not write.
Expected<EventBody> event_from_json(std::string_view word, const nlohmann::json& body);

}  // namespace sweep::core
