// Everything that a peer sends is either accepted, answered again, or rejected with a reason. Nothing that it
// sends can break the state.
#include "controller/core/decide.hpp"

#include <algorithm>
#include <iterator>

#include "controller/core/apply.hpp"
#include "controller/core/schedule.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

Decision reject(std::string reason) {
  return {{}, {}, std::move(reason)};
}

Decision single_event(EventBody what, Instant now) {
  return {{Event{now, std::move(what)}}, {}, {}};
}

// Text from peers is stored in the form in which the journal can return it: without control characters, valid
// UTF-8, of limited length.

std::string sanitized(const std::string& text) {
  constexpr std::size_t kMaxReason = 1024;  // leaves room for the text added around it in an outcome
  return clipped(printable(text), kMaxReason);
}

std::string name(const AttemptRef& ref) {
  return ref.point + " attempt " + std::to_string(ref.attempt);
}

const AgentStatus* find_agent(const State& state, const std::string& id) {
  const auto found = state.agents.find(id);
  return found == state.agents.end() ? nullptr : &found->second;
}

/// True if all names can be stored in the journal, used in file names and printed without change.
bool has_valid_names(const AgentInfo& agent) {
  const auto good = [](const std::string& text) { return printable(text) == text; };
  return !agent.id.empty() && good(agent.id) && good(agent.node) && good(agent.job) && good(agent.step) &&
         std::all_of(agent.gpus.begin(), agent.gpus.end(), good);
}

/// Handles a Hello from an agent that is already taking part. Its connection was cut, and messages may be
/// lost.
Decision welcome_again(const State& state, const AgentStatus& agent, Instant now) {
  const std::string& id = agent.info.id;
  if (agent.gone && state.phase != Phase::Closed)
    return {{Event{now, AgentReturned{id}}}, {SendWelcome{id}}, {}};
  std::vector<Effect> out = missed_messages(state, id);
  out.insert(out.begin(), SendWelcome{id});
  return {{}, std::move(out), {}};
}

Decision on(const State& state, const Hello& command, Instant now) {
  const std::string& id = command.agent.id;
  if (!has_valid_names(command.agent)) {
    const std::string reason = "agent '" + printable(id) + "' on '" + printable(command.agent.node) +
                               "': a name is empty or contains control characters";
    return {{}, {SendMessage{id, wire::Reject{reason}}}, reason};
  }
  const AgentStatus* known = find_agent(state, id);
  if (known != nullptr && known->info.pid == command.agent.pid) return welcome_again(state, *known, now);
  if (known != nullptr && !known->gone) {
    const std::string reason = "agent " + id + " is already taking part (pid " +
                               std::to_string(known->info.pid) + " on " + known->info.node + ")";
    return {{}, {SendMessage{id, wire::Reject{reason}}}, reason};
  }
  if (state.phase != Phase::Running) {
    return {{}, {SendMessage{id, drain_message(state, "the sweep is over")}}, {}};
  }
  return single_event(AgentJoined{command.agent}, now);
}

/// True if the agent reports the same hardware and runners as before.
bool is_unchanged(const AgentStatus& agent, const Ready& command) {
  if (agent.hardware != command.hardware) return false;
  if (!command.serves || !agent.serves) return !command.serves && !agent.serves;
  return *agent.serves == std::set<std::string>(command.serves->begin(), command.serves->end());
}

Decision on(const State& state, const Ready& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  if (agent == nullptr) return reject("Ready from " + command.agent + ", which has not sent Hello");
  Decision out;
  if ((agent->ready && is_unchanged(*agent, command)) || state.phase == Phase::Closed) {
    out.replies = missed_messages(state, command.agent);
  } else {
    out.events.push_back({now, AgentReady{command.agent, command.serves, command.hardware}});
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
    return reject("Started for " + name(command.ref) + ", which was not leased to " + command.agent);
  }
  if (attempt->state != Attempt::State::Leased) return {};
  return single_event(Started{command.ref, command.pid, sanitized(command.directory)}, now);
}

/// The first time that the agent reports the end, its GPUs become free; later reports change nothing.
Decision on(const State& state, const FilesAwaited& command, Instant now) {
  const Attempt* attempt = find_attempt(state, command.ref);
  if (attempt == nullptr || attempt->agent != command.agent)
    return reject("files of " + name(command.ref) + ", which was not leased to " + command.agent);
  return may_run(*attempt) && state.phase != Phase::Closed ? single_event(Sending{command.ref}, now)
                                                           : Decision{};
}

bool is_benchmark_failure(OutcomeKind kind) {
  return kind == OutcomeKind::BenchmarkFailed || kind == OutcomeKind::NoResult ||
         kind == OutcomeKind::InvalidResult || kind == OutcomeKind::TimedOut ||
         kind == OutcomeKind::ServerFailed;
}

/// Returns the point's next state after its current attempt ended without a result.
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

/// True if a result becomes the point's result: the first one does, and a valid one replaces one that
/// is not valid.
bool is_better(const PointStatus& point, const Outcome& outcome, bool valid) {
  if (outcome.kind != OutcomeKind::Ok) return false;
  return !has_result(point) || (valid && has_invalid_result(point));
}

/// Returns the point's next state after a result that is not valid. The point keeps it until a valid one
/// comes.
PointState after_invalid(const State& state, const PointStatus& point) {
  const bool again = state.phase == Phase::Running && point.invalid_results < state.settings.invalid_retries;
  return again ? PointState::Pending : PointState::Done;
}

/// Returns the event for the end of the point's current attempt. A stopping sweep leases no retry.
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
    if (over && has_result(point))
      ended.next = PointState::Done;  // keep the earlier result, which is not valid
  }
  return ended;
}

/// True if the attempt has neither ended nor been written off.
bool is_under_way(const Attempt& attempt) {
  return may_run(attempt) || attempt.state == Attempt::State::Sending;
}

Decision repeat_settled(const Attempt& attempt, const AttemptFinished& command) {
  return {{}, {SendMessage{command.agent, wire::Settled{command.ref, attempt.accepted}}}, {}};
}

/// Returns the event for a late end: of an attempt that was written off, or whose point is already done.
Ended end_of_late(const PointStatus& point, const AttemptRef& ref, const Outcome& outcome,
                  std::vector<std::string> invalid) {
  Ended ended;
  ended.ref = ref;
  ended.outcome = outcome;
  ended.accepted = is_better(point, outcome, invalid.empty());
  ended.invalid = std::move(invalid);
  ended.next = ended.accepted && point.state != PointState::Withdrawn ? PointState::Done : point.state;
  return ended;
}

/// Handles the end of an attempt on a member of its gang that is not the client's agent. Its processes have to run as long
/// as the client does, so their end is the gang's, unless that has ended before.
Decision on_member_end(const State& state, const AttemptFinished& command, const Attempt& attempt,
                       Instant now) {
  if (find_member(attempt, command.agent)->ended || state.phase == Phase::Closed)
    return {{}, {SendMessage{command.agent, wire::Settled{command.ref, false}}}, {}};
  Decision out = single_event(MemberEnded{command.ref, command.agent}, now);
  if (!is_under_way(attempt)) return out;
  Outcome outcome = sanitized(command.outcome);
  if (outcome.kind == OutcomeKind::Ok) {
    outcome.kind = OutcomeKind::ServerFailed;
    outcome.reason = "a server of the gang ended before the client";
  }
  const PointStatus& point = point_at(state, find_point(state, command.ref.point));
  Ended ended = end_of_current(state, point, command.ref, outcome);
  ended.node = state.agents.at(command.agent).info.node;
  ended.account = sanitized(command.account);
  if (point.state == PointState::Done) ended.next = PointState::Done, ended.counted = false;
  out.events.push_back({now, std::move(ended)});
  return out;
}

/// Returns the event that the client's agent no longer runs a gang's attempt, if it reports an end without a result for the
/// first time. (A result ends the attempt on all members.)
std::vector<Event> end_of_client(const State& state, const Attempt& attempt, const AttemptFinished& command,
                                 Instant now) {
  const GangMember* client = find_member(attempt, attempt.agent);
  const bool ends = client != nullptr && !client->ended && state.phase != Phase::Closed &&
                    (command.outcome.kind != OutcomeKind::Ok || attempt.state == Attempt::State::Ended);
  return ends ? std::vector<Event>{{now, MemberEnded{command.ref, attempt.agent}}} : std::vector<Event>();
}

Decision on(const State& state, const AttemptFinished& command, Instant now) {
  const Attempt* attempt = find_attempt(state, command.ref);
  const std::string& holder = command.of.empty() ? command.agent : command.of;
  if (attempt != nullptr && attempt->agent != command.agent &&
      find_member(*attempt, command.agent) != nullptr)
    return on_member_end(state, command, *attempt, now);
  if (attempt == nullptr || attempt->agent != holder || find_agent(state, command.agent) == nullptr) {
    Decision out = reject("Finished for " + name(command.ref) + ", which was not leased to " + command.agent);
    out.replies.push_back(SendMessage{command.agent, wire::Settled{command.ref, false}});
    return out;
  }
  const PointStatus& point = point_at(state, find_point(state, command.ref.point));
  // After the sweep has closed, only a missing or better result is still accepted.
  const bool late =
      state.phase == Phase::Closed && !is_better(point, command.outcome, command.invalid.empty());
  std::vector<Event> of_client = end_of_client(state, *attempt, command, now);
  if (attempt->state == Attempt::State::Ended || late) {
    Decision out = repeat_settled(*attempt, command);
    out.events = std::move(of_client);
    return out;
  }
  const bool current = attempt->state != Attempt::State::Lost && point.state != PointState::Done;
  const Outcome outcome = sanitized(command.outcome);
  std::vector<std::string> invalid;
  for (const std::string& reason : command.invalid) {
    if (outcome.kind == OutcomeKind::Ok) invalid.push_back(sanitized(reason));
  }
  Ended ended = current ? end_of_current(state, point, command.ref, outcome, std::move(invalid))
                        : end_of_late(point, command.ref, outcome, std::move(invalid));
  ended.wall = command.wall;
  ended.account = sanitized(command.account);
  of_client.push_back({now, std::move(ended)});
  Decision out{std::move(of_client), {}, {}};
  // The agent that ran the attempt gets Settled as an effect of the event; here the finder gets it.
  if (holder != command.agent)
    out.replies.push_back(SendMessage{
        command.agent, wire::Settled{command.ref, std::get<Ended>(out.events.back().what).accepted}});
  return out;
}

Decision on(const State& state, const Heartbeat& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  if (agent == nullptr) return reject("Heartbeat from " + command.agent + ", which has not sent Hello");
  if (agent->gone && state.phase != Phase::Closed) return single_event(AgentReturned{command.agent}, now);
  return {{}, missed_messages(state, command.agent), {}};
}

/// Returns the events for an agent that is gone: its attempts are written off. `kind` decides whether that
/// counts against point and node.
std::vector<Event> lose_agent(const State& state, const AgentStatus& agent, OutcomeKind kind,
                              const std::string& reason, Instant now) {
  std::vector<Event> events{{now, AgentGone{agent.info.id, reason}}};
  for (const auto& [index, number] : unfinished(agent)) {
    const PointStatus& point = point_at(state, index);
    const Attempt& attempt = attempt_at(point, number);
    if (!is_under_way(attempt)) continue;
    Outcome outcome;
    outcome.kind = state.phase == Phase::Stopping ? OutcomeKind::Cancelled : kind;
    outcome.reason = "agent on " + agent.info.node + " is gone: " + reason;
    const AttemptRef ref{point.spec.id, number};
    Ended ended = end_of_current(state, point, ref, outcome);
    if (point.state == PointState::Done) {
      ended.next = PointState::Done;
      ended.counted = false;
    }
    ended.lost = attempt.agent == agent.info.id;  // the agent of a gang's client may still run
    if (!attempt.members.empty()) ended.node = agent.info.node;
    events.push_back({now, std::move(ended)});
  }
  return events;
}

/// An agent that sends Goodbye gives its attempts back, at no cost. (If it only falls silent, they have
/// failed.)
Decision on(const State& state, const Goodbye& command, Instant now) {
  const AgentStatus* agent = find_agent(state, command.agent);
  // The Hello of an agent that arrives after the end is answered with Drain, and the agent does not join.
  if (agent == nullptr && state.phase != Phase::Running) return {};
  if (agent == nullptr) return reject("Goodbye from " + command.agent + ", which has not sent Hello");
  if (agent->gone || state.phase == Phase::Closed) return {};
  return {lose_agent(state, *agent, OutcomeKind::Preempted, sanitized(command.reason), now), {}, {}};
}

Decision on(const State& state, const Stop& command, Instant now) {
  const Instant deadline = now + command.patience;
  if (state.phase == Phase::Running) return single_event(Stopping{sanitized(command.reason), deadline}, now);
  // A further Stop can only shorten the wait.
  const bool sooner =
      state.phase == Phase::Stopping && state.stop_deadline && deadline < *state.stop_deadline;
  return sooner ? single_event(Stopping{state.end_reason, deadline}, now) : Decision{};
}

/// Returns the agent that has been silent for too long; nullptr if there is none.
const AgentStatus* silent_agent(const State& state, Instant now) {
  const auto deadline = silence_deadline(state);
  if (!deadline || now < *deadline) return nullptr;
  return &state.agents.at(state.roster.by_last_seen().begin()->second);
}

/// Returns an agent that still holds attempts once a stopping sweep's deadline has passed; nullptr if there is
/// none.
const AgentStatus* slow_agent(const State& state, Instant now) {
  if (!state.stop_deadline || now < *state.stop_deadline || !state.roster.any_busy()) return nullptr;
  const auto busy = std::find_if(state.agents.begin(), state.agents.end(), [](const auto& entry) {
    return !entry.second.gone && is_busy(entry.second);
  });
  return &busy->second;
}

/// Returns Quarantined events for the nodes that failed too often.
std::vector<Event> quarantine(const State& state, Instant now) {
  std::vector<Event> events;
  for (const std::string& name : state.nodes_to_quarantine) {
    const NodeStatus& node = state.nodes.at(name);
    events.push_back(
        {now, Quarantined{name, counted(static_cast<std::size_t>(node.failures), "infrastructure failure") +
                                    " in a row, last: " + node.last_reason}});
  }
  return events;
}

Decision on(const State& state, const Tick&, Instant now) {
  if (state.phase == Phase::Closed) return {};
  if (const AgentStatus* agent = silent_agent(state, now)) {
    const std::string reason =
        "no message for " + std::to_string((now - agent->last_seen).count() / 1000) + " s";
    return {lose_agent(state, *agent, OutcomeKind::Infrastructure, reason, now), {}, {}};
  }
  if (const AgentStatus* agent = slow_agent(state, now)) {
    const std::string reason = "did not stop in time (" + state.end_reason + ")";
    return {lose_agent(state, *agent, OutcomeKind::Infrastructure, reason, now), {}, {}};
  }
  if (auto events = quarantine(state, now); !events.empty()) return {std::move(events), {}, {}};
  return {schedule(state, now), {}, {}};
}

Decision on(const State& state, const Pause& command, Instant now) {
  if (state.phase == Phase::Closed || command.length <= Millis(0)) return {};
  return single_event(Paused{command.length}, now);
}

Decision on(const State& state, const Recover& command, Instant now) {
  if (state.phase == Phase::Closed) return {};
  return single_event(Recovered{command.version}, now);
}

Decision on(const State&, const Resume& command, Instant now) {
  return single_event(Resumed{command.version, command.job, command.retry_failed, command.withdrawn}, now);
}

/// Returns the agent whose message shows that it is alive; nullptr if this command does not. (decide()
/// handles Hello and Heartbeat of an agent that was gone itself, and Goodbye does not bring an agent back.)
const std::string* sender_of(const Command& command) {
  if (const auto* c = std::get_if<Ready>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptStarted>(&command)) return &c->agent;
  if (const auto* c = std::get_if<AttemptFinished>(&command)) return &c->agent;
  if (const auto* c = std::get_if<FilesAwaited>(&command)) return &c->agent;
  return nullptr;
}

}  // namespace

Decision decide(const State& state, const Command& command, Instant now) {
  return std::visit([&](const auto& c) { return on(state, c, now); }, command);
}

namespace {

/// Applies the events of `next` and appends events and messages to `all`: first the replies of decide(), then
/// the effects of its events, so that Welcome comes before the leases.
void follow(State& state, Decision& all, Decision next, const OnEvent& on_event) {
  std::move(next.replies.begin(), next.replies.end(), std::back_inserter(all.replies));
  if (all.rejected.empty()) all.rejected = std::move(next.rejected);
  for (Event& event : next.events) {
    apply(state, event);
    if (on_event) on_event(state, event);
    auto out = effects(state, event);
    std::move(out.begin(), out.end(), std::back_inserter(all.replies));
    all.events.push_back(std::move(event));
  }
}

}  // namespace

Decision advance(State& state, const Command& command, Instant now, const OnEvent& on_event) {
  Decision all;
  const std::string* sender = sender_of(command);
  const AgentStatus* agent = sender == nullptr ? nullptr : find_agent(state, *sender);
  if (agent != nullptr && agent->gone && state.phase != Phase::Closed) {
    follow(state, all, single_event(AgentReturned{*sender}, now), on_event);
  }
  follow(state, all, decide(state, command, now), on_event);
  for (;;) {
    Decision more = decide(state, Tick{}, now);
    if (more.events.empty()) return all;
    follow(state, all, std::move(more), on_event);
  }
}

void mark_seen(State& state, const std::string& agent, Instant now) {
  const auto found = state.agents.find(agent);
  if (found == state.agents.end() || now <= found->second.last_seen) return;
  // The first message after a common silence: a suspended job goes on, and the others will follow.
  if (const auto silent = all_silent_at(state); silent && now >= *silent) restart_silence(state, now);
  found->second.last_seen = now;
  state.roster.set_last_seen(agent, now);
}

void excuse_silence(State& state, Millis time, Instant now) {
  if (time.count() <= 0) return;
  for (const auto& [agent, status] : state.agents)
    mark_seen(state, agent, std::min(status.last_seen + time, now));
}

}  // namespace sweep::core
