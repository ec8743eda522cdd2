#include "controller/core/invariants.hpp"

#include <algorithm>

namespace sweep::core {

namespace {

using Problems = std::vector<std::string>;

bool active(const Attempt& attempt) {
  return may_run(attempt) || attempt.state == Attempt::State::Sending;
}

void check_attempts(const PointStatus& point, Problems& problems) {
  const auto report = [&](const std::string& what) {
    problems.push_back("point " + point.spec.id + ": " + what);
  };
  const auto accepted = std::count_if(point.attempts.begin(), point.attempts.end(),
                                      [](const Attempt& a) { return a.accepted; });
  const bool withdrawn = point.state == PointState::Withdrawn && accepted == 1;
  // A point that is retried after an invalid result keeps that result meanwhile.
  const bool has_invalid = accepted == 1 && has_invalid_result(point) && point.state != PointState::Failed &&
                           point.state != PointState::Cancelled;
  if (accepted != (point.state == PointState::Done ? 1 : 0) && !withdrawn && !has_invalid)
    report(std::to_string(accepted) + " accepted attempts");
  const auto running = std::count_if(point.attempts.begin(), point.attempts.end(), active);
  const bool in_flight = point.state == PointState::Leased || point.state == PointState::Running;
  if (in_flight && (running != 1 || !active(point.attempts.back())))
    report("exactly its last attempt must be in flight");
  if (!in_flight && point.state != PointState::Done && running != 0) report("has an attempt in flight");
  if (in_flight) {
    const bool started = point.attempts.back().state != Attempt::State::Leased;
    if (started != (point.state == PointState::Running))
      report("the point and its attempt disagree on whether it has started");
  }
  for (const Attempt& attempt : point.attempts) {
    if (attempt.accepted && (!attempt.outcome || attempt.outcome->kind != OutcomeKind::Ok)) {
      report("accepted a result without an ok outcome");
    }
    if (attempt.state == Attempt::State::Ended && !attempt.outcome) report("an ended attempt has no outcome");
  }
}

void check_points(const State& state, Problems& problems) {
  std::array<int, kPointStates> counts{};
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    const PointStatus& point = state.points[i];
    ++counts[static_cast<std::size_t>(point.state)];
    check_attempts(point, problems);
    const bool queued = state.pending.contains({-demand(point.spec), static_cast<int>(i)});
    if (queued != (point.state == PointState::Pending))
      problems.push_back("point " + point.spec.id + ": wrong membership in the queue");
    if (point.infrastructure_failures < 0 ||
        point.infrastructure_failures > state.settings.infrastructure_retries + 1 ||
        point.benchmark_failures > state.settings.benchmark_retries + 1 ||
        point.invalid_results > state.settings.invalid_retries + 1) {
      problems.push_back("point " + point.spec.id + ": more retries than allowed");
    }
    const bool needs_reason = point.state == PointState::Failed || point.state == PointState::Cancelled;
    if (needs_reason && point.reason.empty())
      problems.push_back("point " + point.spec.id + ": ended without a reason");
  }
  std::size_t by_runner = 0;
  for (const auto& [runner, places] : state.pending_of) {
    by_runner += places.size();
    for (const Place& place : places) {
      const PointStatus& point = point_at(state, place.second);
      if (point.spec.runner.str() != runner || !state.pending.contains(place))
        problems.push_back("point " + point.spec.id + ": wrong membership in its runner's queue");
    }
  }
  if (!state.pending_of.empty() && by_runner != state.pending.size())
    problems.push_back("the queues by runner have the wrong length");
  if (counts != state.counts) problems.push_back("the counts are wrong");
  if (state.pending.size() != static_cast<std::size_t>(state.count(PointState::Pending))) {
    problems.push_back("the queue has the wrong length");
  }
}

void check_agent(const State& state, const AgentStatus& agent, Problems& problems) {
  const auto report = [&](const std::string& what) {
    problems.push_back("agent " + agent.info.id + ": " + what);
  };
  int gpus = 0;
  int in_flight = 0;
  for (const auto& [index, number] : agent.held) {
    const PointStatus& point = point_at(state, index);
    const Attempt& attempt = attempt_at(point, number);
    const GangMember* member = find_member(attempt, agent.info.id);
    if (!runs(attempt, agent.info.id)) report("holds an attempt of " + attempt.agent);
    if (attempt.state == Attempt::State::Ended && member == nullptr)
      report("holds an attempt that has ended");
    if (member != nullptr && member->ended) report("holds an attempt that has ended on it");
    if (attempt.state == Attempt::State::Sending) report("holds GPUs for an attempt that has ended");
    if (agent.gone && active(attempt)) report("is gone but has an attempt in flight");
    gpus += gpus_on(point, attempt, agent.info.id);
    ++in_flight;
  }
  for (const auto& [index, number] : agent.sending) {
    const Attempt& attempt = attempt_at(point_at(state, index), number);
    const bool good = attempt.state == Attempt::State::Sending || attempt.state == Attempt::State::Lost;
    if (attempt.agent != agent.info.id || !good)
      report("is said to send files of an attempt that it does not");
    if (agent.gone && active(attempt)) report("is gone but sends files");
  }
  if (state.phase == Phase::Closed && !agent.gone && is_busy(agent))
    report("holds attempts although the sweep is closed");
  if (gpus != agent.gpus_held) report("gpus_held is wrong");
  if (gpus > static_cast<int>(agent.info.gpus.size())) report("has more GPUs in use than it has");
  if (!state.settings.pack_gpus && in_flight > 1) report("runs two points at once on one node");
  int warm = 0;
  for (const WarmServer& server : agent.warm)
    warm += server.gpus;
  if (!agent.warm.empty() && warm + gpus > static_cast<int>(agent.info.gpus.size()))
    report("has warm servers on more GPUs than it has");
  if (agent.gone && !agent.warm.empty()) report("is gone but has warm servers");
}

bool holds(const AgentStatus& agent, const Attempt& attempt, const std::pair<int, int>& place) {
  return attempt.state == Attempt::State::Sending ? agent.sending.contains(place)
                                                  : agent.held.contains(place);
}

/// A gang is whole or not at all: while its attempt may run, all its members hold it.
void check_members(const State& state, const std::pair<int, int>& place, Problems& problems) {
  const PointStatus& point = point_at(state, place.first);
  const Attempt& attempt = attempt_at(point, place.second);
  if (attempt.members.empty()) return;
  std::set<std::string> nodes;
  for (const GangMember& member : attempt.members) {
    const auto agent = state.agents.find(member.agent);
    const bool holds = agent != state.agents.end() && agent->second.held.contains(place);
    if (may_run(attempt) && (!holds || member.ended))
      problems.push_back("point " + point.spec.id + ": its member " + member.agent + " does not hold it");
    if (may_run(attempt) && !nodes.insert(agent->second.info.node).second)
      problems.push_back("point " + point.spec.id + ": two members of its gang are on one node");
  }
}

void check_holders(const State& state, Problems& problems) {
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    for (std::size_t n = 0; n < state.points[i].attempts.size(); ++n) {
      const Attempt& attempt = state.points[i].attempts[n];
      if (attempt.agent.empty() && !active(attempt)) continue;  // salvaged from a damaged journal
      const auto agent = state.agents.find(attempt.agent);
      if (agent == state.agents.end()) {
        problems.push_back("point " + state.points[i].spec.id + ": its agent is unknown");
      } else if (active(attempt) &&
                 !holds(agent->second, attempt, {static_cast<int>(i), static_cast<int>(n) + 1})) {
        problems.push_back("point " + state.points[i].spec.id + ": its agent does not hold it");
      }
      check_members(state, {static_cast<int>(i), static_cast<int>(n) + 1}, problems);
    }
  }
}

}  // namespace

Problems check_invariants(const State& state) {
  Problems problems;
  check_points(state, problems);
  for (const auto& [id, agent] : state.agents)
    check_agent(state, agent, problems);
  check_holders(state, problems);
  if (state.roster != derived_roster(state)) problems.push_back("the roster does not match the agents");
  if (state.servers != derived_servers(state))
    problems.push_back("the server indexes do not match the agents");
  for (const auto& [name, node] : state.nodes) {
    const bool due = state.settings.node_failures > 0 && node.failures >= state.settings.node_failures &&
                     node.quarantine.empty();
    if (due != state.nodes_to_quarantine.contains(name))
      problems.push_back("node " + name + ": wrong membership in nodes_to_quarantine");
  }
  for (const auto& [key, failed] : state.failed_starts) {
    const bool known = key >= 0 && static_cast<std::size_t>(key) < state.key_walls.size();
    if (!known || failed.nodes.empty() || failed.count < static_cast<int>(failed.nodes.size()))
      problems.push_back("server key " + std::to_string(key) + ": wrong failed starts");
  }
  const int in_flight = state.count(PointState::Leased) + state.count(PointState::Running);
  if (state.phase == Phase::Closed && in_flight != 0)
    problems.push_back("the sweep is closed but has points in flight");
  return problems;
}

}  // namespace sweep::core
