// decide(): commands to events. Everything a peer sends is either taken, answered again, or rejected with a
// reason; nothing it sends can break the state.
#include "controller/core/decide.hpp"

#include <algorithm>
#include <iterator>

#include "util/text.hpp"

namespace sweep::core {

namespace {

Decision reject(std::string reason) {
  return {{}, {}, std::move(reason)};
}

Decision happened(EventBody what, Instant now) {
  return {{Event{now, std::move(what)}}, {}, {}};
}

// What others say is kept the way the journal can give it back: no control characters, no broken UTF-8, not
// too long.

std::string tidy(const std::string& text) {
  constexpr std::size_t kMaxReason = 1024;  // leaves room for the words around it in an outcome
  return clipped(printable(text), kMaxReason);
}

Outcome tidy(const Outcome& outcome) {
  return outcome_from_json(outcome_to_json(outcome)).value_or(outcome);
}

Account tidy(const Account& account) {
  return account_from_json(account_to_json(account)).value_or(Account());
}

std::string name(const AttemptRef& ref) {
  return ref.point + " attempt " + std::to_string(ref.attempt);
}

const AgentStatus* find_agent(const State& state, const std::string& id) {
  const auto found = state.agents.find(id);
  return found == state.agents.end() ? nullptr : &found->second;
}

/// Names stand in the journal, in file names and on terminals: they must survive all three unchanged.
bool well_named(const AgentInfo& agent) {
  const auto good = [](const std::string& text) { return printable(text) == text; };
  return !agent.id.empty() && good(agent.id) && good(agent.node) && good(agent.job) && good(agent.step) &&
         std::all_of(agent.gpus.begin(), agent.gpus.end(), good);
}

/// A Hello of an agent that is taking part already: its connection was cut, and messages with it.
Decision greet_again(const State& state, const AgentStatus& agent, Instant now) {
  const std::string& id = agent.info.id;
  if (agent.gone && state.phase != Phase::Closed)
    return {{Event{now, AgentReturned{id}}}, {SendWelcome{id}}, {}};
  std::vector<Effect> out = reminders(state, id);
  out.insert(out.begin(), SendWelcome{id});
  return {{}, std::move(out), {}};
}

Decision on(const State& state, const Hello& command, Instant now) {
  const std::string& id = command.agent.id;
  if (!well_named(command.agent)) {
    const std::string reason = "agent '" + printable(id) + "' on '" + printable(command.agent.node) +
                               "' has no name, or control characters in a name";
    return {{}, {SendMessage{id, wire::Reject{reason}}}, reason};
  }
  const AgentStatus* known = find_agent(state, id);
  if (known != nullptr && known->info.pid == command.agent.pid) return greet_again(state, *known, now);
  if (known != nullptr && !known->gone) {
    const std::string reason = "agent " + id + " is already taking part (pid " +
                               std::to_string(known->info.pid) + " on " + known->info.node + ")";
    return {{}, {SendMessage{id, wire::Reject{reason}}}, reason};
  }
  if (state.phase != Phase::Running) {
    return {{}, {SendMessage{id, wire::Drain{complete(state), "the sweep is over"}}}, {}};
  }
  return happened(AgentJoined{command.agent}, now);
}

bool serves_as_said(const AgentStatus& agent, const Ready& command) {
  if (!command.serves || !agent.serves) return !command.serves && !agent.serves;
  return *agent.serves == std::set<std::string>(command.serves->begin(), command.serves->end());
}

Decision on(const State& state, const Ready& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  if (agent == nullptr) return reject("Ready from " + command.agent + ", which has not said Hello");
  Decision out;
  if ((agent->ready && serves_as_said(*agent, command)) || state.phase == Phase::Closed) {
    out.replies = reminders(state, command.agent);
  } else {
    out.events.push_back({now, AgentReady{command.agent, command.serves}});
  }
  const auto known = state.job_ends.find(agent->info.job);
  const bool news = command.job_ends && !agent->info.job.empty() &&
                    (known == state.job_ends.end() || known->second != *command.job_ends);
  if (news && state.phase != Phase::Closed)
    out.events.insert(out.events.begin(), {now, JobEnds{agent->info.job, *command.job_ends}});
  return out;
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
         kind == OutcomeKind::InvalidResult || kind == OutcomeKind::TimedOut ||
         kind == OutcomeKind::ServerFailed;
}

/// Where a point goes after its current attempt ended without a result that counts.
PointState after_failure(const State& state, const PointStatus& point, OutcomeKind kind) {
  if (is_benchmark_failure(kind)) {
    return point.benchmark_failures < state.settings.benchmark_retries ? PointState::Pending
                                                                       : PointState::Failed;
  }
  if (kind == OutcomeKind::Infrastructure) {
    return point.infrastructure_failures < state.settings.infrastructure_retries ? PointState::Pending
                                                                                 : PointState::Failed;
  }
  if (kind == OutcomeKind::Cancelled) return PointState::Cancelled;
  return PointState::Pending;  // preempted: costs no retry
}

/// Whether a result becomes the point's: the first one does, and a valid one in place of one that is not.
bool is_better(const PointStatus& point, const Outcome& outcome, bool valid) {
  if (outcome.kind != OutcomeKind::Ok) return false;
  return !has_result(point) || (valid && has_doubtful_result(point));
}

/// Where a point goes after a result that is not valid: that one counts until a better one comes.
PointState after_invalid(const State& state, const PointStatus& point) {
  const bool again = state.phase == Phase::Running && point.invalid_results < state.settings.invalid_retries;
  return again ? PointState::Pending : PointState::Done;
}

/// The end of the attempt that the point is on. In a stopping sweep nothing is tried again.
Ended end_of_current(const State& state, const PointStatus& point, const AttemptRef& ref,
                     const Outcome& outcome, std::vector<std::string> invalid = {}) {
  const bool ok = outcome.kind == OutcomeKind::Ok, valid = invalid.empty();
  Ended ended;
  ended.ref = ref;
  ended.outcome = outcome;
  ended.accepted = is_better(point, outcome, valid);
  ended.counted =
      ok ? !valid : is_benchmark_failure(outcome.kind) || outcome.kind == OutcomeKind::Infrastructure;
  ended.invalid = std::move(invalid);
  if (ok) {
    ended.next = valid ? PointState::Done : after_invalid(state, point);
  } else {
    ended.next = after_failure(state, point, outcome.kind);
    const bool over = ended.next == PointState::Failed || ended.next == PointState::Cancelled;
    if (over && has_result(point)) ended.next = PointState::Done;  // nothing better came
  }
  return ended;
}

Decision settle_again(const Attempt& attempt, const AttemptFinished& command) {
  return {{}, {SendMessage{command.agent, wire::Settled{command.ref, attempt.accepted}}}, {}};
}

/// An attempt that was written off, or that another one has overtaken, reports after all.
Ended end_of_overtaken(const PointStatus& point, const AttemptRef& ref, const Outcome& outcome,
                       std::vector<std::string> invalid) {
  Ended ended;
  ended.ref = ref;
  ended.outcome = outcome;
  ended.accepted = is_better(point, outcome, invalid.empty());
  ended.invalid = std::move(invalid);
  ended.next = ended.accepted && point.state != PointState::Withdrawn ? PointState::Done : point.state;
  return ended;
}

Decision on(const State& state, const AttemptFinished& command, Instant now) {
  const Attempt* attempt = find_attempt(state, command.ref);
  const std::string& holder = command.of.empty() ? command.agent : command.of;
  if (attempt == nullptr || attempt->agent != holder || find_agent(state, command.agent) == nullptr) {
    Decision out =
        reject("Finished of " + name(command.ref) + ", which " + command.agent + " was not leased");
    out.replies.push_back(SendMessage{command.agent, wire::Settled{command.ref, false}});
    return out;
  }
  const PointStatus& point = state.points[static_cast<std::size_t>(find_point(state, command.ref.point))];
  // When all is over only a result that was missing still counts.
  const bool late =
      state.phase == Phase::Closed && !is_better(point, command.outcome, command.invalid.empty());
  if (attempt->state == Attempt::State::Ended || late) return settle_again(*attempt, command);
  const bool current = attempt->state != Attempt::State::Lost && point.state != PointState::Done;
  const Outcome outcome = tidy(command.outcome);
  std::vector<std::string> invalid;
  for (const std::string& reason : command.invalid) {
    if (outcome.kind == OutcomeKind::Ok) invalid.push_back(tidy(reason));
  }
  Ended ended = current ? end_of_current(state, point, command.ref, outcome, std::move(invalid))
                        : end_of_overtaken(point, command.ref, outcome, std::move(invalid));
  ended.wall = command.wall;
  ended.account = tidy(command.account);
  Decision out = happened(std::move(ended), now);
  // Its own agent hears of it as an effect of the event.
  if (holder != command.agent)
    out.replies.push_back(
        SendMessage{command.agent, wire::Settled{command.ref, std::get<Ended>(out.events[0].what).accepted}});
  return out;
}

Decision on(const State& state, const Heartbeat& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  if (agent == nullptr) return reject("Heartbeat from " + command.agent + ", which has not said Hello");
  if (agent->gone && state.phase != Phase::Closed) return happened(AgentReturned{command.agent}, now);
  return {{}, reminders(state, command.agent), {}};
}

/// The agent is gone: what it had is written off. `kind` says whether that counts against point and node.
std::vector<Event> lose_agent(const State& state, const AgentStatus& agent, OutcomeKind kind,
                              const std::string& reason, Instant now) {
  std::vector<Event> events{{now, AgentGone{agent.info.id, reason}}};
  for (const auto& [index, number] : agent.held) {
    const PointStatus& point = state.points[static_cast<std::size_t>(index)];
    const Attempt& attempt = point.attempts[static_cast<std::size_t>(number - 1)];
    if (attempt.state == Attempt::State::Lost) continue;
    Outcome outcome;
    outcome.kind = state.phase == Phase::Stopping ? OutcomeKind::Cancelled : kind;
    outcome.reason = "agent on " + agent.info.node + " is gone: " + reason;
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

/// An agent that says Goodbye gives back what it has; one that falls silent has failed under it.
Decision on(const State& state, const Goodbye& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  if (agent == nullptr) return reject("Goodbye from " + command.agent + ", which has not said Hello");
  if (agent->gone || state.phase == Phase::Closed) return {};
  return {lose_agent(state, *agent, OutcomeKind::Preempted, tidy(command.reason), now), {}, {}};
}

Decision on(const State& state, const Stop& command, Instant now) {
  const Instant deadline = now + command.patience;
  if (state.phase == Phase::Running) return happened(Stopping{tidy(command.reason), deadline}, now);
  // Asked again while it stops: may only shorten the wait.
  const bool sooner =
      state.phase == Phase::Stopping && state.stop_deadline && deadline < *state.stop_deadline;
  return sooner ? happened(Stopping{state.end_reason, deadline}, now) : Decision{};
}

/// Agents that have not been heard of for too long; all that still have something when patience ends.
const AgentStatus* overdue(const State& state, Instant now) {
  const auto& heard = state.roster.by_last_seen();
  if (!heard.empty() && now >= heard.begin()->first + state.settings.agent_timeout)
    return &state.agents.at(heard.begin()->second);
  if (!state.stop_deadline || now < *state.stop_deadline || !state.roster.any_busy()) return nullptr;
  const auto busy = std::find_if(state.agents.begin(), state.agents.end(), [](const auto& entry) {
    return !entry.second.gone && !entry.second.held.empty();
  });
  return &busy->second;
}

/// Nodes that failed too often.
std::vector<Event> quarantine(const State& state, Instant now) {
  std::vector<Event> events;
  for (const std::string& name : state.suspects) {
    const NodeStatus& node = state.nodes.at(name);
    events.push_back(
        {now, Quarantined{name, std::to_string(node.failures) +
                                    " infrastructure failures in a row, the last: " + node.last_reason}});
  }
  return events;
}

Decision on(const State& state, const Tick&, Instant now) {
  if (state.phase == Phase::Closed) return {};
  if (const AgentStatus* agent = overdue(state, now)) {
    const bool silent = now >= agent->last_seen + state.settings.agent_timeout;
    const std::string reason =
        silent ? "not heard of for " + std::to_string((now - agent->last_seen).count() / 1000) + " s"
               : "did not stop in time (" + state.end_reason + ")";
    return {lose_agent(state, *agent, OutcomeKind::Infrastructure, reason, now), {}, {}};
  }
  if (auto events = quarantine(state, now); !events.empty()) return {std::move(events), {}, {}};
  return {schedule(state, now), {}, {}};
}

Decision on(const State& state, const Recover& command, Instant now) {
  if (state.phase == Phase::Closed) return {};
  return happened(Recovered{command.version}, now);
}

Decision on(const State&, const Resume& command, Instant now) {
  return happened(Resumed{command.version, command.job, command.retry_failed, command.withdrawn}, now);
}

/// Who is alive because it sent this: any agent's message but the first and the last. (A Beat of an agent
/// that was gone is decided by its own rule.)
const std::string* sender_of(const Command& command) {
  if (const auto* c = std::get_if<Ready>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptStarted>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptFinished>(&command)) return &c->agent;
  return nullptr;
}

}  // namespace

Decision decide(const State& state, const Command& command, Instant now) {
  return std::visit([&](const auto& c) { return on(state, c, now); }, command);
}

namespace {

/// What decide() said comes before the effects of its events: a Welcome before the leases.
void follow(State& state, Decision& all, Decision next, const Witness& witness) {
  std::move(next.replies.begin(), next.replies.end(), std::back_inserter(all.replies));
  if (all.rejected.empty()) all.rejected = std::move(next.rejected);
  for (Event& event : next.events) {
    apply(state, event);
    if (witness) witness(state, event);
    auto out = effects(state, event);
    std::move(out.begin(), out.end(), std::back_inserter(all.replies));
    all.events.push_back(std::move(event));
  }
}

}  // namespace

Decision advance(State& state, const Command& command, Instant now, const Witness& witness) {
  Decision all;
  const std::string* sender = sender_of(command);
  const AgentStatus* agent = sender == nullptr ? nullptr : find_agent(state, *sender);
  if (agent != nullptr && agent->gone && state.phase != Phase::Closed) {
    follow(state, all, happened(AgentReturned{*sender}, now), witness);
  }
  follow(state, all, decide(state, command, now), witness);
  for (;;) {
    Decision more = decide(state, Tick{}, now);
    if (more.events.empty()) return all;
    follow(state, all, std::move(more), witness);
  }
}

void observe(State& state, const std::string& agent, Instant now) {
  const auto found = state.agents.find(agent);
  if (found == state.agents.end() || now <= found->second.last_seen) return;
  found->second.last_seen = now;
  state.roster.heard(agent, now);
}

}  // namespace sweep::core
