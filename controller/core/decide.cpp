// decide(): commands to events. Everything a peer sends is either taken, answered again, or rejected with a
// reason; nothing it sends can break the state.
#include "controller/core/decide.hpp"

#include <algorithm>

namespace sweep::core {

namespace {

Decision reject(std::string reason) { return {{}, {}, std::move(reason)}; }

Decision happened(Happening what, Instant now) { return {{Event{now, std::move(what)}}, {}, {}}; }

std::string name(const AttemptRef& ref) { return ref.point + " attempt " + std::to_string(ref.attempt); }

const AgentStatus* live_agent(const State& state, const std::string& id) {
  const auto found = state.agents.find(id);
  return found == state.agents.end() ? nullptr : &found->second;
}

Decision on(const State& state, const Join& command, Instant now) {
  const std::string& id = command.agent.id;
  if (id.empty()) return reject("an agent without a name");
  const AgentStatus* known = live_agent(state, id);
  if (known != nullptr && known->info.pid == command.agent.pid) {
    Decision again{{}, {Greet{id}}, {}};
    if (known->gone && state.phase != Phase::Closed) again.events.push_back({now, AgentReturned{id}});
    return again;
  }
  if (known != nullptr && !known->gone) {
    const std::string reason = "agent " + id + " is already taking part (pid " + std::to_string(known->info.pid) +
                               " on " + known->info.node + ")";
    return {{}, {Say{id, wire::Reject{reason}}}, reason};
  }
  if (state.phase != Phase::Running) {
    return {{}, {Say{id, wire::Drain{complete(state), "the sweep is over"}}}, {}};
  }
  return happened(AgentJoined{command.agent}, now);
}

Decision on(const State& state, const AskForWork& command, Instant now) {
  const AgentStatus* agent = live_agent(state, command.agent);
  if (agent == nullptr) return reject("Ready from " + command.agent + ", which has not said Hello");
  if (agent->ready || state.phase == Phase::Closed) return {{}, reminders(state, command.agent), {}};
  return happened(AgentReady{command.agent}, now);
}

Decision on(const State& state, const AttemptStarted& command, Instant now) {
  const Attempt* attempt = find_attempt(state, command.ref);
  if (attempt == nullptr || attempt->agent != command.agent) {
    return reject("Started of " + name(command.ref) + ", which " + command.agent + " was not leased");
  }
  if (attempt->state != Attempt::State::Leased) return {};
  return happened(Started{command.ref, command.pid}, now);
}

bool is_benchmark_failure(OutcomeKind kind) {
  return kind == OutcomeKind::BenchmarkFailed || kind == OutcomeKind::NoResult ||
         kind == OutcomeKind::InvalidResult || kind == OutcomeKind::TimedOut;
}

/// Where a point goes after its current attempt ended without a result that counts.
PointState after_failure(const State& state, const PointStatus& point, OutcomeKind kind) {
  if (is_benchmark_failure(kind)) {
    return point.benchmark_failures < state.settings.benchmark_retries ? PointState::Pending : PointState::Failed;
  }
  if (kind == OutcomeKind::Infrastructure) {
    return point.infrastructure_failures < state.settings.infrastructure_retries ? PointState::Pending
                                                                                 : PointState::Failed;
  }
  if (kind == OutcomeKind::Cancelled) return PointState::Cancelled;
  return PointState::Pending;  // preempted: costs no retry
}

/// The end of the attempt that the point is on. In a stopping sweep nothing is tried again.
Ended end_of_current(const State& state, const PointStatus& point, const AttemptRef& ref, const Outcome& outcome) {
  Ended ended;
  ended.ref = ref;
  ended.outcome = outcome;
  ended.accepted = outcome.kind == OutcomeKind::Ok;
  ended.counted = is_benchmark_failure(outcome.kind) || outcome.kind == OutcomeKind::Infrastructure;
  ended.next = ended.accepted ? PointState::Done : after_failure(state, point, outcome.kind);
  return ended;
}

Decision settle_again(const Attempt& attempt, const AttemptFinished& command) {
  return {{}, {Say{command.agent, wire::Settled{command.ref, attempt.accepted}}}, {}};
}

/// An attempt that was written off, or that another one has overtaken, reports after all.
Ended end_of_overtaken(const PointStatus& point, const AttemptFinished& command) {
  Ended ended;
  ended.ref = command.ref;
  ended.outcome = command.outcome;
  ended.wall = command.wall;
  ended.accepted = command.outcome.kind == OutcomeKind::Ok && point.state != PointState::Done;
  ended.next = ended.accepted ? PointState::Done : point.state;
  return ended;
}

Decision on(const State& state, const AttemptFinished& command, Instant now) {
  const Attempt* attempt = find_attempt(state, command.ref);
  if (attempt == nullptr || attempt->agent != command.agent) {
    Decision out = reject("Finished of " + name(command.ref) + ", which " + command.agent + " was not leased");
    out.replies.push_back(Say{command.agent, wire::Settled{command.ref, false}});
    return out;
  }
  if (attempt->state == Attempt::State::Ended || state.phase == Phase::Closed) return settle_again(*attempt, command);
  const PointStatus& point = state.points[static_cast<std::size_t>(find_point(state, command.ref.point))];
  const bool current = attempt->state != Attempt::State::Lost && point.state != PointState::Done;
  Ended ended = current ? end_of_current(state, point, command.ref, command.outcome)
                        : end_of_overtaken(point, command);
  ended.wall = command.wall;
  return happened(std::move(ended), now);
}

Decision on(const State& state, const Beat& command, Instant now) {
  const AgentStatus* agent = live_agent(state, command.agent);
  if (agent == nullptr) return reject("Heartbeat from " + command.agent + ", which has not said Hello");
  if (agent->gone && state.phase != Phase::Closed) return happened(AgentReturned{command.agent}, now);
  return {{}, reminders(state, command.agent), {}};
}

/// The agent is gone: what it had is written off.
std::vector<Event> lose_agent(const State& state, const AgentStatus& agent, const std::string& reason, Instant now) {
  std::vector<Event> events{{now, AgentGone{agent.info.id, reason}}};
  for (const auto& [index, number] : agent.held) {
    const PointStatus& point = state.points[static_cast<std::size_t>(index)];
    const Attempt& attempt = point.attempts[static_cast<std::size_t>(number - 1)];
    if (attempt.state == Attempt::State::Lost) continue;
    const bool stopping = state.phase == Phase::Stopping;
    Outcome outcome;
    outcome.kind = stopping ? OutcomeKind::Cancelled : OutcomeKind::Infrastructure;
    outcome.reason = "agent on " + agent.info.node + " lost: " + reason;
    const AttemptRef ref{point.spec.id, number};
    Ended ended = end_of_current(state, point, ref, outcome);
    if (point.state == PointState::Done) {
      ended.next = PointState::Done;
      ended.counted = false;
    }
    ended.lost = true;
    events.push_back({now, std::move(ended)});
  }
  return events;
}

Decision on(const State& state, const Leave& command, Instant now) {
  const AgentStatus* agent = live_agent(state, command.agent);
  if (agent == nullptr) return reject("Goodbye from " + command.agent + ", which has not said Hello");
  if (agent->gone || state.phase == Phase::Closed) return {};
  return {lose_agent(state, *agent, command.reason, now), {}, {}};
}

Decision on(const State& state, const Stop& command, Instant now) {
  if (state.phase != Phase::Running) return {};
  return happened(Stopping{command.reason, now + command.patience}, now);
}

/// Agents that have not been heard of for too long; all that still have something when patience ends.
const AgentStatus* overdue(const State& state, Instant now) {
  const bool give_up = state.stop_deadline && now >= *state.stop_deadline;
  for (const auto& [id, agent] : state.agents) {
    if (agent.gone) continue;
    if (now >= agent.last_seen + state.settings.agent_timeout) return &agent;
    if (give_up && !agent.held.empty()) return &agent;
  }
  return nullptr;
}

Decision on(const State& state, const Tick&, Instant now) {
  if (state.phase == Phase::Closed) return {};
  if (const AgentStatus* agent = overdue(state, now)) {
    const bool silent = now >= agent->last_seen + state.settings.agent_timeout;
    const std::string reason = silent ? "not heard of for " +
                                            std::to_string((now - agent->last_seen).count() / 1000) + " s"
                                      : "did not stop in time";
    return {lose_agent(state, *agent, reason, now), {}, {}};
  }
  return {schedule(state, now), {}, {}};
}

/// Who is alive because it sent this: any agent's message but the first and the last.
const std::string* sender_of(const Command& command) {
  if (const auto* c = std::get_if<AskForWork>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptStarted>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptFinished>(&command)) return &c->agent;
  if (const auto* c = std::get_if<Beat>(&command)) return &c->agent;
  return nullptr;
}

}  // namespace

Decision decide(const State& state, const Command& command, Instant now) {
  return std::visit([&](const auto& c) { return on(state, c, now); }, command);
}

namespace {

void follow(State& state, Decision& all, Decision next) {
  for (const Event& event : next.events) apply(state, event);
  all.events.insert(all.events.end(), next.events.begin(), next.events.end());
  all.replies.insert(all.replies.end(), next.replies.begin(), next.replies.end());
  if (all.rejected.empty()) all.rejected = std::move(next.rejected);
}

}  // namespace

Decision advance(State& state, const Command& command, Instant now) {
  Decision all;
  const std::string* sender = sender_of(command);
  const AgentStatus* agent = sender == nullptr ? nullptr : live_agent(state, *sender);
  if (agent != nullptr && agent->gone && state.phase != Phase::Closed) {
    follow(state, all, happened(AgentReturned{*sender}, now));
  }
  follow(state, all, decide(state, command, now));
  for (;;) {
    Decision more = decide(state, Tick{}, now);
    if (more.events.empty()) return all;
    follow(state, all, std::move(more));
  }
}

void observe(State& state, const std::string& agent, Instant now) {
  const auto found = state.agents.find(agent);
  if (found != state.agents.end()) found->second.last_seen = std::max(found->second.last_seen, now);
}

}  // namespace sweep::core
