#include "controller/core/apply.hpp"

#include <algorithm>
#include <cassert>
#include <limits>

#include "controller/core/directories.hpp"
#include "controller/core/server_starts.hpp"
#include "controller/core/server_use.hpp"

namespace sweep::core {

namespace {

// How long a stopping sweep waits for its agents to reconnect after its controller was restarted.
constexpr Millis kStopAfterRecovery{15'000};

Attempt& attempt_of(State& state, const AttemptRef& ref) {
  return attempt_at(point_at(state, find_point(state, ref.point)), ref.attempt);
}

AgentStatus& agent_at(State& state, const std::string& id) {
  const auto found = state.agents.find(id);
  assert(found != state.agents.end());
  return found->second;
}

/// Frees what the attempt takes of the agent.
void release(State& state, int index, int number, const std::string& id) {
  PointStatus& point = point_at(state, index);
  Attempt& attempt = attempt_at(point, number);
  AgentStatus& agent = agent_at(state, id);
  if (id == attempt.agent) leave_directory(state, {index, number});
  if (agent.held.erase({index, number}) > 0) agent.gpus_held -= gpus_on(point, attempt, id);
  agent.sending.erase({index, number});
  for (GangMember& member : attempt.members)
    member.ended = member.ended || member.agent == id;
}

/// Frees what the attempt takes of its agent, or of all members of its gang.
void release_all(State& state, int index, int number) {
  const Attempt& attempt = attempt_at(point_at(state, index), number);
  release(state, index, number, attempt.agent);
  for (const GangMember& member : attempt.members) {
    release(state, index, number, member.agent);
    index_agent(state, member.agent);
  }
}

void on(State& state, Instant at, const AgentJoined& event) {
  if (!state.first_join) state.first_join = at;
  AgentStatus& agent = state.agents[event.agent.id];
  const std::string old_node = agent.info.node;
  // A previous agent of that name has ended. Its attempts were written off; their results may still be found
  // in its spool.
  for (const auto& [index, number] : unfinished(agent))
    release(state, index, number, event.agent.id);
  agent = AgentStatus{};
  agent.info = event.agent;
  agent.order = state.joins++;
  agent.session = state.session;
  agent.last_seen = at;
  state.announced = std::max(state.announced, agent.info.tasks);
  if (!agent.info.job.empty()) state.job_end_answered.try_emplace(agent.info.job, false);
  index_agent(state, agent.info.id);
  if (old_node != agent.info.node) index_node(state, old_node);
}

/// Records that the job's end time is known, or that its first task can no longer report it.
void mark_job_end_answered(State& state, const AgentInfo& agent) {
  if (agent.task == 0 && !agent.job.empty()) state.job_end_answered[agent.job] = true;
}

void on(State& state, Instant, const AgentReady& event) {
  AgentStatus& agent = agent_at(state, event.agent);
  agent.ready = true;
  // Not emplace: g++ 14 sees an unset set destroyed there.
  std::optional<std::set<std::string>> serves_now;
  if (event.serves) serves_now = std::set<std::string>(event.serves->begin(), event.serves->end());
  agent.serves.swap(serves_now);
  agent.hardware = event.hardware;
  for (const auto& [runner, places] : state.pending_of) {
    int& largest = state.largest_of.try_emplace(runner, -1).first->second;
    if (serves(agent, runner)) largest = std::max(largest, static_cast<int>(agent.info.gpus.size()));
  }
  mark_job_end_answered(state, agent.info);
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
  mark_job_end_answered(state, agent.info);
  index_agent(state, event.agent);
}

// ---- nodes

void count_node_failure(State& state, const std::string& name, const std::string& reason) {
  NodeStatus& node = state.nodes[name];
  ++node.failures;
  node.last_reason = reason;
  const bool too_many = state.settings.node_failures > 0 && node.failures >= state.settings.node_failures;
  if (too_many && node.quarantine.empty()) state.nodes_to_quarantine.insert(name);
}

void forgive_node_failures(State& state, const std::string& name, int failures) {
  const auto node = state.nodes.find(name);
  if (node == state.nodes.end()) return;
  node->second.failures = std::max(0, node->second.failures - failures);
  if (node->second.failures < state.settings.node_failures) state.nodes_to_quarantine.erase(name);
}

void on(State& state, Instant, const Quarantined& event) {
  state.nodes[event.node].quarantine = event.reason;
  state.nodes_to_quarantine.erase(event.node);
  index_node(state, event.node);
}

bool failed_by_infrastructure(const Attempt& attempt) {
  return attempt.outcome && attempt.outcome->kind == OutcomeKind::Infrastructure;
}

/// True if the attempt had ended on its agent, which was sending its files, when it was written off.
bool sending(const State& state, const PointStatus& point, const Attempt& attempt) {
  const int number = static_cast<int>(&attempt - point.attempts.data()) + 1;
  return state.agents.at(attempt.agent).sending.contains({find_point(state, point.spec.id), number});
}

/// Makes a written-off attempt current again and undoes what was counted when it was written off.
void reinstate(State& state, PointStatus& point, Attempt& attempt) {
  if (failed_by_infrastructure(attempt)) {
    point.infrastructure_failures = std::max(0, point.infrastructure_failures - 1);
    forgive_node_failures(state, attempt.node, 1);
  }
  const bool sends = sending(state, point, attempt);
  attempt.state = sends             ? Attempt::State::Sending
                  : attempt.started ? Attempt::State::Running
                                    : Attempt::State::Leased;
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
  for (const auto& [index, number] : unfinished(agent)) {
    PointStatus& point = point_at(state, index);
    Attempt& attempt = attempt_at(point, number);
    const bool latest = static_cast<std::size_t>(number) == point.attempts.size();
    // A point that failed only because its agent was considered lost has not failed after all.
    const bool is_open = point.state == PointState::Pending ||
                         (point.state == PointState::Failed && failed_by_infrastructure(attempt));
    // A gang that lost a member has been stopped.
    const bool is_gang = !attempt.members.empty();
    if (!latest || !is_open || is_gang || attempt.state != Attempt::State::Lost) continue;
    reinstate(state, point, attempt);
    point.reason.clear();
    set_point_state(state, index,
                    attempt.state == Attempt::State::Leased ? PointState::Leased : PointState::Running);
  }
  index_agent(state, event.agent);
}

/// The agent gets a part of the attempt: all of it, or one node of a gang.
void hold(State& state, int index, int number, const std::string& id) {
  const PointStatus& point = point_at(state, index);
  AgentStatus& agent = agent_at(state, id);
  const int gpus = gpus_on(point, attempt_at(point, number), id);
  agent.held.insert({index, number});
  agent.gpus_held += gpus;
  use_server(state, agent, point.key, gpus);
}

void on(State& state, Instant at, const Leased& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  assert(static_cast<std::size_t>(event.ref.attempt) == point.attempts.size() + 1);
  Attempt attempt;
  attempt.agent = event.agent;
  attempt.node = agent_at(state, event.agent).info.node;
  attempt.members = event.members;
  attempt.leased = at;
  point.attempts.push_back(std::move(attempt));
  if (event.members.empty()) hold(state, index, event.ref.attempt, event.agent);
  for (const GangMember& member : event.members)
    hold(state, index, event.ref.attempt, member.agent);
  set_point_state(state, index, PointState::Leased);
  index_agent(state, event.agent);
  for (const GangMember& member : event.members)
    index_agent(state, member.agent);
}

void on(State& state, Instant, const MemberEnded& event) {
  release(state, find_point(state, event.ref.point), event.ref.attempt, event.agent);
  index_agent(state, event.agent);
}

void on(State& state, Instant at, const Started& event) {
  Attempt& attempt = attempt_of(state, event.ref);
  attempt.state = Attempt::State::Running;
  attempt.started = at;
  attempt.pid = event.pid;
  attempt.directory = event.directory;
  agent_at(state, attempt.agent).directory = event.directory;
  enter_directory(state, {find_point(state, event.ref.point), event.ref.attempt});
  const int index = find_point(state, event.ref.point);
  if (point_at(state, index).key >= 0) forget_failed_starts(state, point_at(state, index).key);
  // If a late result of an earlier attempt has arrived meanwhile, the point is done and this attempt is being
  // cancelled.
  if (point_at(state, index).state == PointState::Leased) set_point_state(state, index, PointState::Running);
}

/// Frees the attempt's GPUs. A server that it used keeps running.
void on(State& state, Instant, const Sending& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  Attempt& attempt = attempt_of(state, event.ref);
  attempt.state = Attempt::State::Sending;
  release_all(state, index, event.ref.attempt);
  AgentStatus& agent = agent_at(state, attempt.agent);
  agent.sending.insert({index, event.ref.attempt});
  if (point.key >= 0) {
    if (!agent.gone) agent.warm.insert(agent.warm.begin(), {point.key, point.spec.gpus});
    note_start(state, point.key, attempt.node, Outcome{});
  }
  if (point.state == PointState::Leased) set_point_state(state, index, PointState::Running);
  index_agent(state, attempt.agent);
}

/// Makes the attempt's result the point's result, replacing any other.
void accept(PointStatus& point, Attempt& attempt) {
  for (Attempt& other : point.attempts)
    other.accepted = false;
  attempt.accepted = true;
}

/// Returns true if the benchmark could not be started, and so has neither exit status nor signal, or if its shell
/// could not start a program.
bool could_not_start(const Outcome& outcome) {
  constexpr int kCannotExecute = 126, kNotFound = 127;  // exit statuses of shells
  if (outcome.kind != OutcomeKind::BenchmarkFailed || outcome.signal) return false;
  if (!outcome.exit_code) return outcome.phase == "start";
  const bool of_shell = *outcome.exit_code == kCannotExecute || *outcome.exit_code == kNotFound;
  return of_shell && !outcome.reason.empty();
}

/// Updates State::start_failures. What the sweep or a node caused says nothing about the benchmark.
void note_start_failure(StartFailures& failures, const Ended& event) {
  const OutcomeKind kind = event.outcome.kind;
  if (kind == OutcomeKind::Infrastructure || kind == OutcomeKind::Cancelled || kind == OutcomeKind::Preempted)
    return;
  if (!could_not_start(event.outcome)) {
    failures.others = true;
  } else if (event.next == PointState::Failed) {
    if (failures.points == 0) failures.reason = event.outcome.reason;
    failures.others = failures.others || failures.reason != event.outcome.reason;
    ++failures.points;
  }
}

/// Slurm ends the agent that reported this, which may be another member of the gang than the client's agent.
void mark_leaving(State& state, const Attempt& attempt, AgentStatus& holder, const Ended& event) {
  AgentStatus* leaving = &holder;
  for (const GangMember& member : attempt.members) {
    AgentStatus& agent = agent_at(state, member.agent);
    if (agent.info.node == event.node) leaving = &agent;
  }
  leaving->leaving = true;
  if (!leaving->gone) leaving->gone_reason = event.outcome.reason;
  index_agent(state, leaving->info.id);
}

void on(State& state, Instant at, const Ended& event) {
  const int index = find_point(state, event.ref.point);
  PointStatus& point = point_at(state, index);
  Attempt& attempt = attempt_of(state, event.ref);
  // The end may come from the spool of an earlier agent of the same name. Then it is not held, and the
  // present agent is neither leaving nor does it have the server.
  const AgentStatus& agent = agent_at(state, attempt.agent);
  const bool sent = agent.sending.contains({index, event.ref.attempt});
  const bool is_held = sent || agent.held.contains({index, event.ref.attempt});
  attempt.state = event.lost ? Attempt::State::Lost : Attempt::State::Ended;
  attempt.outcome = event.outcome;
  attempt.ended = at;
  attempt.wall = event.wall;
  attempt.account = event.account;
  attempt.invalid = event.invalid;
  if (event.accepted) accept(point, attempt);
  // The members of a gang that failed end one by one (MemberEnded).
  const bool members_run_on = !attempt.members.empty() && event.outcome.kind != OutcomeKind::Ok;
  if (!event.lost && !members_run_on) release_all(state, index, event.ref.attempt);
  AgentStatus& holder = agent_at(state, attempt.agent);
  if (!event.lost && is_held && !sent && !holder.gone && point.key >= 0 && leaves_server(event.outcome.kind))
    holder.warm.insert(holder.warm.begin(), {point.key, point.spec.gpus});
  if (is_held && !sent && point.key >= 0) note_start(state, point.key, attempt.node, event.outcome);
  const std::string& node = event.node.empty() ? attempt.node : event.node;
  if (event.counted && event.outcome.kind == OutcomeKind::Infrastructure) {
    ++point.infrastructure_failures;
    point.bad_nodes.insert(node);
    count_node_failure(state, node, event.outcome.reason);
  } else if (event.counted && event.outcome.kind == OutcomeKind::Ok) {
    ++point.invalid_results;
  } else if (event.counted) {
    ++point.benchmark_failures;
  }
  if (event.outcome.kind == OutcomeKind::Preempted && is_held) mark_leaving(state, attempt, holder, event);
  if (event.accepted) {
    record_duration(state, point, event);
    forgive_node_failures(state, attempt.node, std::numeric_limits<int>::max());
  }
  note_start_failure(state.start_failures, event);
  const bool over = event.next == PointState::Failed || event.next == PointState::Cancelled;
  if (event.next != point.state) point.reason = over ? describe(event.outcome) : std::string();
  set_point_state(state, index, event.next);
  index_agent(state, attempt.agent);
}

/// A point that was waiting for a retry keeps the result that it has.
void on(State& state, Instant, const Unfit& event) {
  const int index = find_point(state, event.point);
  PointStatus& point = point_at(state, index);
  const bool keeps_result = has_result(point);
  point.reason = keeps_result ? std::string() : event.reason;
  set_point_state(state, index, keeps_result ? PointState::Done : PointState::Failed);
}

void on(State& state, Instant at, const ServerUnusable& event) {
  for (const std::string& point : event.points)
    on(state, at, Unfit{point, event.reason});
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

// ---- recovery and resume

/// Restarts the timeouts.
void on(State& state, Instant at, const Recovered&) {
  restart_silence(state, at);
  if (state.first_join && state.roster.joined() < state.announced) state.first_join = at;
  if (state.stop_deadline) state.stop_deadline = at + kStopAfterRecovery;
}

/// Restarts the timeouts. What the user and Slurm were promised less time for is moved by the pause.
void on(State& state, Instant at, const Paused& event) {
  restart_silence(state, at);
  if (state.first_join) *state.first_join += event.length;
  if (state.stop_deadline) *state.stop_deadline += event.length;
}

/// Writes off what an agent of the previous session held. It will not come back; its results may, by a spool.
void end_agent_of_last_session(State& state, Instant at, const std::string& id, AgentStatus& agent) {
  for (const auto& [index, number] : unfinished(agent)) {
    Attempt& attempt = attempt_at(point_at(state, index), number);
    release(state, index, number, id);
    if (attempt.state == Attempt::State::Lost || attempt.state == Attempt::State::Ended) continue;
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
    end_agent_of_last_session(state, at, id, agent);
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
  state.nodes_to_quarantine.clear();
  state.start_failures = {};
  state.failed_starts.clear();
  state.job_ends.clear();
  state.largest_of.clear();
  state.job_end_answered.clear();
}

/// Adds a result whose events the journal has lost. The attempts before it are unknown and count as written
/// off.
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
  Attempt& attempt = attempt_of(state, event.ref);
  if (!attempt.agent.empty()) {
    const std::string agent = attempt.agent;
    release_all(state, index, event.ref.attempt);
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

void restart_silence(State& state, Instant at) {
  for (auto& [id, agent] : state.agents) {
    if (agent.gone) continue;
    // Even if that is earlier: the clock of the controller that died may have been ahead.
    agent.last_seen = at;
    index_agent(state, id);
  }
}

void apply(State& state, const Event& event) {
  std::visit([&](const auto& what) { on(state, event.at, what); }, event.what);
}

}  // namespace sweep::core
