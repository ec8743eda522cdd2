// Checks the preconditions of apply() for events that come from a file.
#include "controller/core/replay.hpp"

#include <set>

#include "controller/core/apply.hpp"
#include "controller/core/events_json.hpp"
#include "controller/core/invariants.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

using Problem = std::string;  // empty: no problem

const PointStatus* point_of(const State& state, const std::string& id) {
  const int index = find_point(state, id);
  return index < 0 ? nullptr : &point_at(state, index);
}

Problem agent_known(const State& state, const std::string& id) {
  return state.agents.contains(id) ? "" : "no agent '" + id + "' has joined";
}

Problem check(const State& state, const AgentJoined& e) {
  const auto found = state.agents.find(e.agent.id);
  return found == state.agents.end() || found->second.gone ? ""
                                                           : "agent '" + e.agent.id + "' has already joined";
}
Problem check(const State& state, const AgentReady& e) {
  return agent_known(state, e.agent);
}
Problem check(const State& state, const AgentGone& e) {
  return agent_known(state, e.agent);
}
Problem check(const State& state, const AgentReturned& e) {
  return agent_known(state, e.agent);
}

Problem check(const State& state, const Leased& e) {
  const PointStatus* point = point_of(state, e.ref.point);
  if (point == nullptr) return "no point '" + e.ref.point + "'";
  if (point->state != PointState::Pending) return "the point is " + std::string(state_word(point->state));
  if (static_cast<std::size_t>(e.ref.attempt) != point->attempts.size() + 1)
    return "attempt " + std::to_string(e.ref.attempt) + " is not the next one";
  std::set<std::string> members;
  for (const GangMember& member : e.members) {
    if (auto problem = agent_known(state, member.agent); !problem.empty()) return problem;
    if (!members.insert(member.agent).second) return "agent '" + member.agent + "' is a member twice";
  }
  if (!members.empty() && !members.contains(e.agent)) return "the client's agent is not a member";
  return agent_known(state, e.agent);
}

Problem check(const State& state, const MemberEnded& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr) return "no such attempt";
  const GangMember* member = find_member(*attempt, e.agent);
  if (member == nullptr) return "agent '" + e.agent + "' is not a member";
  return member->ended ? "the member has already ended" : "";
}

Problem check(const State& state, const Started& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr) return "no such attempt";
  return attempt->state == Attempt::State::Leased && !attempt->agent.empty()
             ? ""
             : "the attempt has already started or ended";
}

Problem check(const State& state, const Sending& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr || attempt->agent.empty()) return "no such attempt";
  return may_run(*attempt) ? "" : "the attempt is not running";
}

Problem check(const State& state, const Ended& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr || attempt->agent.empty()) return "no such attempt";
  return attempt->state != Attempt::State::Ended ? "" : "the attempt has already ended";
}

Problem check(const State& state, const Unfit& e) {
  const PointStatus* point = point_of(state, e.point);
  if (point == nullptr) return "no point '" + e.point + "'";
  return point->state == PointState::Pending ? "" : "the point is " + std::string(state_word(point->state));
}

Problem check(const State&, const Stopping&) {
  return {};
}
Problem check(const State&, const Closed&) {
  return {};
}
Problem check(const State&, const JobEnds&) {
  return {};
}
Problem check(const State&, const Quarantined&) {
  return {};
}
Problem check(const State&, const Recovered&) {
  return {};
}
Problem check(const State&, const Paused&) {
  return {};
}
Problem check(const State& state, const Resumed& e) {
  for (const std::string& id : e.withdrawn) {
    if (point_of(state, id) == nullptr) return "no point '" + id + "'";
  }
  return {};
}

Problem check(const State& state, const ServerUnusable& e) {
  for (const std::string& id : e.points) {
    if (auto problem = check(state, Unfit{id, e.reason}); !problem.empty()) return problem;
  }
  return {};
}

Problem check(const State& state, const Salvaged& e) {
  constexpr int kMaxAttempts = 100'000;  // apply() creates all missing attempts before this one
  const PointStatus* point = point_of(state, e.ref.point);
  if (point == nullptr) return "no point '" + e.ref.point + "'";
  if (e.ref.attempt > kMaxAttempts)
    return "attempt number " + std::to_string(e.ref.attempt) + " is too large";
  return has_result(*point) ? "the point already has a result" : "";
}

}  // namespace

Expected<void> replay(State& state, const std::vector<Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Problem problem = std::visit([&](const auto& e) { return check(state, e); }, events[i].what);
    if (!problem.empty()) {
      return fail("event " + std::to_string(i + 1) + " of the journal (" +
                  std::string(event_word(events[i].what)) +
                  ") does not fit the events before it: " + printable(problem));
    }
    apply(state, events[i]);
  }
  const auto problems = check_invariants(state);
  if (!problems.empty()) return fail("the journal is inconsistent: " + printable(problems.front()));
  return {};
}

}  // namespace sweep::core
