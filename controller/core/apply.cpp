// apply(): the only place where a State changes.
#include <algorithm>
#include <cassert>

#include "controller/core/events.hpp"

namespace sweep::core {

namespace {

PointStatus& point_at(State& state, int index) {
  assert(index >= 0);
  return state.points[static_cast<std::size_t>(index)];
}

Attempt& attempt_at(State& state, const AttemptRef& ref) {
  PointStatus& point = point_at(state, find_point(state, ref.point));
  assert(ref.attempt >= 1 && static_cast<std::size_t>(ref.attempt) <= point.attempts.size());
  return point.attempts[static_cast<std::size_t>(ref.attempt - 1)];
}

AgentStatus& agent_at(State& state, const std::string& id) {
  const auto found = state.agents.find(id);
  assert(found != state.agents.end());
  return found->second;
}

void release(State& state, int index, int number) {
  const Attempt& attempt = point_at(state, index).attempts[static_cast<std::size_t>(number - 1)];
  AgentStatus& agent = agent_at(state, attempt.agent);
  if (agent.held.erase({index, number}) > 0) agent.gpus_held -= point_at(state, index).spec.gpus;
}

void on(State& state, Instant at, const AgentJoined& event) {
  if (!state.first_join) state.first_join = at;
  AgentStatus& agent = state.agents[event.agent.id];
  // An agent of that name that was there before has ended, and what it held with it.
  const auto held = agent.held;
  for (const auto& [index, number] : held) {
    point_at(state, index).attempts[static_cast<std::size_t>(number - 1)].state = Attempt::State::Ended;
    release(state, index, number);
  }
  agent = AgentStatus{};
  agent.info = event.agent;
  agent.order = state.joins++;
  agent.last_seen = at;
}

void on(State& state, Instant, const AgentReady& event) {
  agent_at(state, event.agent).ready = true;
}

void on(State& state, Instant, const AgentGone& event) {
  AgentStatus& agent = agent_at(state, event.agent);
  agent.gone = true;
  agent.gone_reason = event.reason;
}

bool failed_by_infrastructure(const Attempt& attempt) {
  return attempt.outcome && attempt.outcome->kind == OutcomeKind::Infrastructure;
}

/// A written-off attempt goes on after all, and what its loss was counted as with it.
void take_back(PointStatus& point, Attempt& attempt) {
  if (failed_by_infrastructure(attempt)) --point.infrastructure_failures;
  attempt.state = attempt.started ? Attempt::State::Running : Attempt::State::Leased;
  attempt.outcome.reset();
  attempt.ended.reset();
  const bool still_bad = std::any_of(point.attempts.begin(), point.attempts.end(), [&](const Attempt& other) {
    return other.node == attempt.node && failed_by_infrastructure(other);
  });
  if (!still_bad) point.bad_nodes.erase(attempt.node);
}

void on(State& state, Instant at, const AgentReturned& event) {
  AgentStatus& agent = agent_at(state, event.agent);
  agent.gone = false;
  agent.gone_reason.clear();
  agent.last_seen = at;
  for (const auto& [index, number] : agent.held) {
    PointStatus& point = point_at(state, index);
    Attempt& attempt = point.attempts[static_cast<std::size_t>(number - 1)];
    const bool latest = static_cast<std::size_t>(number) == point.attempts.size();
    if (!latest || point.state != PointState::Pending || attempt.state != Attempt::State::Lost) continue;
    take_back(point, attempt);
    set_point_state(state, index, attempt.started ? PointState::Running : PointState::Leased);
  }
}

void on(State& state, Instant at, const Leased& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  AgentStatus& agent = agent_at(state, event.agent);
  assert(static_cast<std::size_t>(event.ref.attempt) == point.attempts.size() + 1);
  Attempt attempt;
  attempt.agent = event.agent;
  attempt.node = agent.info.node;
  attempt.leased = at;
  point.attempts.push_back(std::move(attempt));
  agent.held.insert({index, event.ref.attempt});
  agent.gpus_held += point.spec.gpus;
  set_point_state(state, index, PointState::Leased);
}

void on(State& state, Instant at, const Started& event) {
  Attempt& attempt = attempt_at(state, event.ref);
  attempt.state = Attempt::State::Running;
  attempt.started = at;
  attempt.pid = event.pid;
  const int index = find_point(state, event.ref.point);
  // Where a late result came between, the point is done, and this attempt about to be cancelled.
  if (point_at(state, index).state == PointState::Leased) set_point_state(state, index, PointState::Running);
}

void on(State& state, Instant at, const Ended& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  Attempt& attempt = attempt_at(state, event.ref);
  attempt.state = event.lost ? Attempt::State::Lost : Attempt::State::Ended;
  attempt.outcome = event.outcome;
  attempt.ended = at;
  attempt.wall = event.wall;
  attempt.accepted = event.accepted;
  if (!event.lost) release(state, index, event.ref.attempt);
  if (event.counted && event.outcome.kind == OutcomeKind::Infrastructure) {
    ++point.infrastructure_failures;
    point.bad_nodes.insert(attempt.node);
  } else if (event.counted) {
    ++point.benchmark_failures;
  }
  if (event.outcome.kind == OutcomeKind::Preempted) agent_at(state, attempt.agent).leaving = true;
  const bool over = event.next == PointState::Failed || event.next == PointState::Cancelled;
  if (event.next != point.state) point.reason = over ? describe(event.outcome) : std::string();
  set_point_state(state, index, event.next);
}

void on(State& state, Instant, const Unfit& event) {
  const int index = find_point(state, event.point);
  point_at(state, index).reason = event.reason;
  set_point_state(state, index, PointState::Failed);
}

void on(State& state, Instant, const Stopping& event) {
  state.phase = Phase::Stopping;
  state.end_reason = event.reason;
  state.stop_deadline = event.deadline;
}

void on(State& state, Instant, const Closed& event) {
  state.phase = Phase::Closed;
  if (!event.reason.empty()) state.end_reason = event.reason;
  state.stop_deadline.reset();
}

}  // namespace

void apply(State& state, const Event& event) {
  std::visit([&](const auto& what) { on(state, event.at, what); }, event.what);
}

}  // namespace sweep::core
