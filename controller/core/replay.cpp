// replay(): what apply() takes for granted, checked for events that come from a file.
#include "controller/core/events.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

using Problem = std::string;  // empty: none

const PointStatus* point_of(const State& state, const std::string& id) {
  const int index = find_point(state, id);
  return index < 0 ? nullptr : &state.points[static_cast<std::size_t>(index)];
}

Problem agent_known(const State& state, const std::string& id) {
  return state.agents.contains(id) ? "" : "no agent '" + id + "' has joined";
}

Problem check(const State& state, const AgentJoined& e) {
  const auto found = state.agents.find(e.agent.id);
  return found == state.agents.end() || found->second.gone ? ""
                                                           : "agent '" + e.agent.id + "' is there already";
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
    return "attempts must be in order";
  return agent_known(state, e.agent);
}

Problem check(const State& state, const Started& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr) return "no such attempt";
  return attempt->state == Attempt::State::Leased && !attempt->agent.empty()
             ? ""
             : "the attempt was started or is over";
}

Problem check(const State& state, const Ended& e) {
  const Attempt* attempt = find_attempt(state, e.ref);
  if (attempt == nullptr || attempt->agent.empty()) return "no such attempt";
  return attempt->state != Attempt::State::Ended ? "" : "the attempt is over";
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
Problem check(const State& state, const Resumed& e) {
  for (const std::string& id : e.withdrawn) {
    if (point_of(state, id) == nullptr) return "no point '" + id + "'";
  }
  return {};
}

Problem check(const State& state, const Salvaged& e) {
  constexpr int kMostAttempts = 100'000;  // each that is missing is made up
  const PointStatus* point = point_of(state, e.ref.point);
  if (point == nullptr) return "no point '" + e.ref.point + "'";
  if (e.ref.attempt > kMostAttempts) return "attempt " + std::to_string(e.ref.attempt) + " is beyond belief";
  return has_result(*point) ? "the point has a result" : "";
}

}  // namespace

Expected<void> replay(State& state, const std::vector<Event>& events) {
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Problem problem = std::visit([&](const auto& e) { return check(state, e); }, events[i].what);
    if (!problem.empty()) {
      return fail("event " + std::to_string(i + 1) + " of the journal (" +
                  std::string(event_word(events[i].what)) +
                  ") does not fit what went before: " + printable(problem));
    }
    apply(state, events[i]);
  }
  const auto problems = check_invariants(state);
  if (!problems.empty()) return fail("the journal does not add up: " + printable(problems.front()));
  return {};
}

}  // namespace sweep::core
