// Events: what has happened to a sweep, as the journal records it.
//
// Rules: an event contains everything that apply() needs; apply() decides nothing and cannot fail, and does
// the same live and in replay. New kinds and new fields may be added; the meaning of existing ones never
// changes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/core/state.hpp"

namespace sweep::core {

struct AgentJoined {
  AgentInfo agent;
};
struct AgentReady {
  std::string agent;
  std::optional<std::vector<std::string>> serves = {};  // runners; nullopt: all
  Hardware hardware = {};
};
/// Slurm will end a job at this time.
struct JobEnds {
  std::string job;
  Instant end{};
};
struct AgentGone {
  std::string agent;
  std::string reason;
};
/// An agent that was considered gone has sent a message again. Attempts that it still runs are reinstated
/// unless they have been leased to another agent.
struct AgentReturned {
  std::string agent;
};
struct Leased {
  AttemptRef ref;
  std::string agent;                     // of a gang: the client's
  std::vector<GangMember> members = {};  // of a gang, by node of its layout
};
struct Started {
  AttemptRef ref;
  std::int64_t pid = 0;
  std::string directory = {};  // identifies its working directory; empty: unknown
};
/// The processes of a gang's attempt on this member have ended.
struct MemberEnded {
  AttemptRef ref;
  std::string agent;
};
/// The attempt's processes have ended with a result, and its GPUs are free. Its agent sends the files that it
/// left; Ended follows.
struct Sending {
  AttemptRef ref;
};
struct Ended {
  AttemptRef ref;
  Outcome outcome;
  Millis wall{0};
  bool accepted = false;                  // its result becomes the point's result
  bool lost = false;                      // written off; its agent has not reported an end
  bool counted = false;                   // counts against the point's retries
  PointState next = PointState::Pending;  // new state of the point
  Account account = {};
  std::vector<std::string> invalid = {};  // why its result is not valid; empty: the result is valid
  std::string node = {};                  // of a gang: on which the failure was; empty: the attempt's node
};
/// The point failed because no agent of this session can ever run it.
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
/// A controller has replaced one that died, at the same address; the agents keep running.
struct Recovered {
  std::string version;  // of the new controller
};
/// A new controller has resumed the sweep, with new agents.
struct Resumed {
  std::string version;
  std::string job;
  bool retry_failed = false;
  std::vector<std::string> withdrawn;  // ids of all points in the journal that are no longer in the sweep
};
/// A result was recovered from a damaged journal that had lost the events of its attempt.
struct Salvaged {
  AttemptRef ref;
  std::string node;
};
/// Points failed without an attempt, because their server has failed to start often enough for all of them.
struct ServerUnusable {
  std::vector<std::string> points;
  std::string reason;
};
/// The controller did not run for this time. All timeouts begin anew.
struct Paused {
  Millis length{0};
};

using EventBody = std::variant<AgentJoined, AgentReady, AgentGone, AgentReturned, Leased, Started, Ended,
                               Unfit, Stopping, Closed, JobEnds, Quarantined, Recovered, Resumed, Salvaged,
                               ServerUnusable, Paused, Sending, MemberEnded>;

/// Copying and destroying a body is code for each of its kinds. It is compiled once, in events.cpp, because it
/// was a quarter of what the compiler did for each source of the core.
struct Event {
  Event();
  template <class Body>
  Event(Instant when, Body&& body) : at(when), what(std::forward<Body>(body)) {}
  Event(const Event& other);
  Event(Event&& other) noexcept;
  Event& operator=(const Event& other);
  Event& operator=(Event&& other) noexcept;
  ~Event();

  Instant at{};
  EventBody what;
};

}  // namespace sweep::core
