// apply(): the only place where a State changes.
#include <algorithm>
#include <cassert>
#include <limits>

#include "controller/core/events.hpp"

namespace sweep::core {

namespace {

// After a controller came back into a sweep that was being stopped: until its agents have found it.
constexpr Millis kStopAfterRecovery{15'000};

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

// ---- the servers of recipes

/// An attempt begins: it has its server, and what is on its GPUs ends.
void use_server(const State& state, AgentStatus& agent, const PointStatus& point) {
  auto& warm = agent.warm;
  const auto own =
      std::find_if(warm.begin(), warm.end(), [&](const WarmServer& s) { return s.key == point.key; });
  if (own != warm.end()) warm.erase(own);
  if (!state.settings.pack_gpus || point.spec.gpus == 0) return warm.clear();
  int gpus = agent.gpus_held;
  const auto first_gone = std::find_if(warm.begin(), warm.end(), [&](const WarmServer& server) {
    gpus += server.gpus;
    return server.gpus == 0 || gpus > static_cast<int>(agent.info.gpus.size());
  });
  warm.erase(first_gone, warm.end());
}

/// Whether the server of an attempt that ended so goes on running.
bool leaves_server(OutcomeKind kind) {
  return kind == OutcomeKind::Ok || kind == OutcomeKind::BenchmarkFailed || kind == OutcomeKind::NoResult ||
         kind == OutcomeKind::InvalidResult || kind == OutcomeKind::Cancelled;
}

/// What it took until the attempt had its server.
Millis start_of_server(const Account& account) {
  Millis total{0};
  for (const PhaseTime& phase : account.phases) {
    if (phase.name == "stop" || phase.name == "server-start" || phase.name == "ready") total += phase.time;
  }
  return total;
}

/// A result that counts came in: how long such points take.
void learn(State& state, const PointStatus& point, const Ended& event) {
  const Millis start = event.account.servers ? start_of_server(event.account) : Millis(0);
  const Millis wall = std::max(Millis(0), event.wall - start);
  state.walls[point.spec.kind.str()].add(wall);
  if (point.key < 0) return;
  state.key_walls[static_cast<std::size_t>(point.key)].add(wall);
  if (event.account.servers.value_or(0) > 0) state.server_starts.add(start);
}

void on(State& state, Instant at, const AgentJoined& event) {
  if (!state.first_join) state.first_join = at;
  AgentStatus& agent = state.agents[event.agent.id];
  const std::string old_node = agent.info.node;
  // An agent of that name that was there before has ended. What it held was written off; a result may still
  // be found in its spool.
  const auto held = agent.held;
  for (const auto& [index, number] : held)
    release(state, index, number);
  agent = AgentStatus{};
  agent.info = event.agent;
  agent.order = state.joins++;
  agent.session = state.session;
  agent.last_seen = at;
  state.announced = std::max(state.announced, agent.info.tasks);
  if (!agent.info.job.empty()) state.answered_jobs.try_emplace(agent.info.job, false);
  index_agent(state, agent.info.id);
  if (old_node != agent.info.node) index_node(state, old_node);
}

/// Nobody waits for the agent's word on its job's end any more: it has spoken, or will not.
void job_end_is_answered(State& state, const AgentInfo& agent) {
  if (agent.task == 0 && !agent.job.empty()) state.answered_jobs[agent.job] = true;
}

void on(State& state, Instant, const AgentReady& event) {
  AgentStatus& agent = agent_at(state, event.agent);
  agent.ready = true;
  // Not emplace: g++ 14 sees an unset set destroyed there.
  std::optional<std::set<std::string>> serves_now;
  if (event.serves) serves_now = std::set<std::string>(event.serves->begin(), event.serves->end());
  agent.serves.swap(serves_now);
  for (const auto& [runner, places] : state.pending_of) {
    int& largest = state.largest_of.try_emplace(runner, -1).first->second;
    if (serves(agent, runner)) largest = std::max(largest, static_cast<int>(agent.info.gpus.size()));
  }
  job_end_is_answered(state, agent.info);
  index_agent(state, event.agent);
}

void on(State& state, Instant, const JobEnds& event) {
  state.job_ends[event.job] = event.end;
}

void on(State& state, Instant, const AgentGone& event) {
  AgentStatus& agent = agent_at(state, event.agent);
  agent.gone = true;
  agent.warm.clear();
  agent.gone_reason = event.reason;
  job_end_is_answered(state, agent.info);
  index_agent(state, event.agent);
}

// ---- nodes

void blame(State& state, const std::string& name, const std::string& reason) {
  NodeStatus& node = state.nodes[name];
  ++node.failures;
  node.last_reason = reason;
  const bool too_many = state.settings.node_failures > 0 && node.failures >= state.settings.node_failures;
  if (too_many && node.quarantine.empty()) state.suspects.insert(name);
}

void pardon(State& state, const std::string& name, int failures) {
  const auto node = state.nodes.find(name);
  if (node == state.nodes.end()) return;
  node->second.failures = std::max(0, node->second.failures - failures);
  if (node->second.failures < state.settings.node_failures) state.suspects.erase(name);
}

void on(State& state, Instant, const Quarantined& event) {
  state.nodes[event.node].quarantine = event.reason;
  state.suspects.erase(event.node);
  index_node(state, event.node);
}

bool failed_by_infrastructure(const Attempt& attempt) {
  return attempt.outcome && attempt.outcome->kind == OutcomeKind::Infrastructure;
}

/// A written-off attempt goes on after all, and what its loss was counted as with it.
void take_back(State& state, PointStatus& point, Attempt& attempt) {
  if (failed_by_infrastructure(attempt)) {
    point.infrastructure_failures = std::max(0, point.infrastructure_failures - 1);
    pardon(state, attempt.node, 1);
  }
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
  agent.session = state.session;
  for (const auto& [index, number] : agent.held) {
    PointStatus& point = point_at(state, index);
    Attempt& attempt = point.attempts[static_cast<std::size_t>(number - 1)];
    const bool latest = static_cast<std::size_t>(number) == point.attempts.size();
    // A point that failed only because nobody heard of its agent has not failed after all.
    const bool waits = point.state == PointState::Pending ||
                       (point.state == PointState::Failed && failed_by_infrastructure(attempt));
    if (!latest || !waits || attempt.state != Attempt::State::Lost) continue;
    take_back(state, point, attempt);
    point.reason.clear();
    set_point_state(state, index, attempt.started ? PointState::Running : PointState::Leased);
  }
  index_agent(state, event.agent);
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
  use_server(state, agent, point);
  set_point_state(state, index, PointState::Leased);
  index_agent(state, event.agent);
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

/// The attempt's result is the point's, in place of any other.
void accept(PointStatus& point, Attempt& attempt) {
  for (Attempt& other : point.attempts)
    other.accepted = false;
  attempt.accepted = true;
}

void on(State& state, Instant at, const Ended& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  Attempt& attempt = attempt_at(state, event.ref);
  // An old end may come out of a spool when another agent has the name: that one is not about to leave.
  const bool of_this_life = agent_at(state, attempt.agent).held.contains({index, event.ref.attempt});
  attempt.state = event.lost ? Attempt::State::Lost : Attempt::State::Ended;
  attempt.outcome = event.outcome;
  attempt.ended = at;
  attempt.wall = event.wall;
  attempt.account = event.account;
  attempt.invalid = event.invalid;
  if (event.accepted) accept(point, attempt);
  if (!event.lost) release(state, index, event.ref.attempt);
  AgentStatus& holder = agent_at(state, attempt.agent);
  if (!event.lost && of_this_life && !holder.gone && point.key >= 0 && leaves_server(event.outcome.kind))
    holder.warm.insert(holder.warm.begin(), {point.key, point.spec.gpus});
  if (event.counted && event.outcome.kind == OutcomeKind::Infrastructure) {
    ++point.infrastructure_failures;
    point.bad_nodes.insert(attempt.node);
    blame(state, attempt.node, event.outcome.reason);
  } else if (event.counted && event.outcome.kind == OutcomeKind::Ok) {
    ++point.invalid_results;
  } else if (event.counted) {
    ++point.benchmark_failures;
  }
  if (event.outcome.kind == OutcomeKind::Preempted && of_this_life) {
    holder.leaving = true;
    if (!holder.gone) holder.gone_reason = event.outcome.reason;
  }
  if (event.accepted) {
    learn(state, point, event);
    pardon(state, attempt.node, std::numeric_limits<int>::max());
  }
  const bool over = event.next == PointState::Failed || event.next == PointState::Cancelled;
  if (event.next != point.state) point.reason = over ? describe(event.outcome) : std::string();
  set_point_state(state, index, event.next);
  index_agent(state, attempt.agent);
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

// ---- controllers that come and go

/// Agents may take as long as usual to be heard of, as if all had been at this moment.
void on(State& state, Instant at, const Recovered&) {
  for (auto& [id, agent] : state.agents) {
    if (agent.gone) continue;
    agent.last_seen = at;  // also where that is earlier: the clock of the one that died may have been ahead
    index_agent(state, id);
  }
  if (state.first_join && state.roster.present() < state.announced) state.first_join = at;
  if (state.stop_deadline) state.stop_deadline = at + kStopAfterRecovery;
}

/// Nobody of the session before will be heard of again; its results may be, through a spool.
void leave_behind(State& state, Instant at, const std::string& id, AgentStatus& agent) {
  const auto held = agent.held;
  for (const auto& [index, number] : held) {
    Attempt& attempt = point_at(state, index).attempts[static_cast<std::size_t>(number - 1)];
    release(state, index, number);
    if (attempt.state == Attempt::State::Lost) continue;
    attempt.state = Attempt::State::Lost;
    attempt.ended = at;
    attempt.outcome = Outcome{OutcomeKind::Preempted, {}, {}, {}, "its controller ended"};
  }
  if (!agent.gone) agent.gone_reason = "its controller ended";
  agent.gone = true;
  agent.warm.clear();
  index_agent(state, id);
}

PointState after_resume(const PointStatus& point, bool withdrawn, bool retry_failed) {
  if (withdrawn) return PointState::Withdrawn;
  if (has_result(point)) return PointState::Done;
  const bool stays_failed = point.state == PointState::Failed && !retry_failed;
  return stays_failed ? PointState::Failed : PointState::Pending;
}

void on(State& state, Instant at, const Resumed& event) {
  ++state.session;
  state.resumed = at;
  for (auto& [id, agent] : state.agents)
    leave_behind(state, at, id, agent);
  const std::set<std::string> withdrawn(event.withdrawn.begin(), event.withdrawn.end());
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    PointStatus& point = state.points[i];
    const PointState next = after_resume(point, withdrawn.contains(point.spec.id), event.retry_failed);
    point.infrastructure_failures = point.benchmark_failures = point.invalid_results = 0;
    point.bad_nodes.clear();
    if (next != PointState::Failed) point.reason.clear();
    set_point_state(state, static_cast<int>(i), next);
  }
  state.phase = Phase::Running;
  state.announced = 0;
  state.end_reason.clear();
  state.first_join.reset();
  state.stop_deadline.reset();
  state.nodes.clear();
  state.suspects.clear();
  state.job_ends.clear();
  state.largest_of.clear();
  state.answered_jobs.clear();
}

/// A result whose story the journal lost. The attempts before it are unknown; they count as written off.
void on(State& state, Instant at, const Salvaged& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  while (point.attempts.size() < static_cast<std::size_t>(event.ref.attempt)) {
    Attempt unknown;
    unknown.node = event.node;
    unknown.leased = at;
    unknown.state = Attempt::State::Lost;
    point.attempts.push_back(std::move(unknown));
  }
  Attempt& attempt = attempt_at(state, event.ref);
  if (!attempt.agent.empty()) {
    const std::string agent = attempt.agent;
    release(state, index, event.ref.attempt);
    index_agent(state, agent);
  }
  attempt.state = Attempt::State::Ended;
  attempt.node = event.node;
  attempt.ended = at;
  attempt.outcome = Outcome{};
  accept(point, attempt);
  point.reason.clear();
  if (point.state != PointState::Withdrawn) set_point_state(state, index, PointState::Done);
}

}  // namespace

void apply(State& state, const Event& event) {
  std::visit([&](const auto& what) { on(state, event.at, what); }, event.what);
}

}  // namespace sweep::core
