// The rules of State, checked. Linear in the size of the sweep.
#include <algorithm>

#include "controller/core/state.hpp"

namespace sweep::core {

namespace {

using Problems = std::vector<std::string>;

bool active(const Attempt& attempt) {
  return attempt.state == Attempt::State::Leased || attempt.state == Attempt::State::Running;
}

void check_attempts(const PointStatus& point, Problems& problems) {
  const auto say = [&](const std::string& what) {
    problems.push_back("point " + point.spec.id + ": " + what);
  };
  const auto accepted = std::count_if(point.attempts.begin(), point.attempts.end(),
                                      [](const Attempt& a) { return a.accepted; });
  const bool withdrawn = point.state == PointState::Withdrawn && accepted == 1;
  // Tried again for a better one.
  const bool doubtful = accepted == 1 && has_doubtful_result(point) && point.state != PointState::Failed &&
                        point.state != PointState::Cancelled;
  if (accepted != (point.state == PointState::Done ? 1 : 0) && !withdrawn && !doubtful)
    say(std::to_string(accepted) + " accepted attempts");
  const auto running = std::count_if(point.attempts.begin(), point.attempts.end(), active);
  const bool should = point.state == PointState::Leased || point.state == PointState::Running;
  if (should && (running != 1 || !active(point.attempts.back())))
    say("must have its last attempt alone in flight");
  if (!should && point.state != PointState::Done && running != 0) say("has an attempt in flight");
  if (should) {
    const bool started = point.attempts.back().state == Attempt::State::Running;
    if (started != (point.state == PointState::Running))
      say("and its attempt disagree whether it has started");
  }
  for (const Attempt& attempt : point.attempts) {
    if (attempt.accepted && (!attempt.outcome || attempt.outcome->kind != OutcomeKind::Ok)) {
      say("accepted a result without an ok outcome");
    }
    if (attempt.state == Attempt::State::Ended && !attempt.outcome) say("an ended attempt has no outcome");
  }
}

void check_points(const State& state, Problems& problems) {
  std::array<int, kPointStates> counts{};
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    const PointStatus& point = state.points[i];
    ++counts[static_cast<std::size_t>(point.state)];
    check_attempts(point, problems);
    const bool queued = state.pending.contains({-point.spec.gpus, static_cast<int>(i)});
    if (queued != (point.state == PointState::Pending))
      problems.push_back("point " + point.spec.id + ": queue is wrong");
    if (point.infrastructure_failures < 0 ||
        point.infrastructure_failures > state.settings.infrastructure_retries + 1 ||
        point.benchmark_failures > state.settings.benchmark_retries + 1 ||
        point.invalid_results > state.settings.invalid_retries + 1) {
      problems.push_back("point " + point.spec.id + ": tried more often than allowed");
    }
    const bool needs_reason = point.state == PointState::Failed || point.state == PointState::Cancelled;
    if (needs_reason && point.reason.empty())
      problems.push_back("point " + point.spec.id + ": ended without a reason");
  }
  std::size_t by_runner = 0;
  for (const auto& [runner, places] : state.pending_of) {
    by_runner += places.size();
    for (const Place& place : places) {
      const PointStatus& point = state.points[static_cast<std::size_t>(place.second)];
      if (point.spec.runner.str() != runner || !state.pending.contains(place))
        problems.push_back("point " + point.spec.id + ": its runner's queue is wrong");
    }
  }
  if (!state.pending_of.empty() && by_runner != state.pending.size())
    problems.push_back("the queues of runners have the wrong length");
  if (counts != state.counts) problems.push_back("the counts are wrong");
  if (state.pending.size() != static_cast<std::size_t>(state.count(PointState::Pending))) {
    problems.push_back("the queue has the wrong length");
  }
}

void check_agent(const State& state, const AgentStatus& agent, Problems& problems) {
  const auto say = [&](const std::string& what) {
    problems.push_back("agent " + agent.info.id + ": " + what);
  };
  int gpus = 0;
  int in_flight = 0;
  for (const auto& [index, number] : agent.held) {
    const PointStatus& point = state.points[static_cast<std::size_t>(index)];
    const Attempt& attempt = point.attempts[static_cast<std::size_t>(number - 1)];
    if (attempt.agent != agent.info.id) say("holds an attempt of " + attempt.agent);
    if (attempt.state == Attempt::State::Ended) say("holds an attempt that has ended");
    if (agent.gone && active(attempt)) say("is gone and has an attempt in flight");
    gpus += point.spec.gpus;
    ++in_flight;
  }
  if (state.phase == Phase::Closed && !agent.gone && !agent.held.empty())
    say("holds something of a closed sweep");
  if (gpus != agent.gpus_held) say("GPU count is wrong");
  if (gpus > static_cast<int>(agent.info.gpus.size())) say("has more GPUs in use than it has");
  if (!state.settings.pack_gpus && in_flight > 1) say("runs two points at once on one node");
  int warm = 0;
  for (const WarmServer& server : agent.warm)
    warm += server.gpus;
  if (!agent.warm.empty() && warm + gpus > static_cast<int>(agent.info.gpus.size()))
    say("has servers on more GPUs than it has");
}

void check_holders(const State& state, Problems& problems) {
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    for (std::size_t n = 0; n < state.points[i].attempts.size(); ++n) {
      const Attempt& attempt = state.points[i].attempts[n];
      if (attempt.agent.empty() && !active(attempt)) continue;  // its story was lost with a damaged journal
      const auto agent = state.agents.find(attempt.agent);
      if (agent == state.agents.end()) {
        problems.push_back("point " + state.points[i].spec.id + ": leased to nobody");
      } else if (active(attempt) &&
                 !agent->second.held.contains({static_cast<int>(i), static_cast<int>(n) + 1})) {
        problems.push_back("point " + state.points[i].spec.id + ": its agent does not hold it");
      }
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
  if (state.roster != derived_roster(state)) problems.push_back("the roster is not what the agents are");
  if (state.servers != derived_servers(state)) problems.push_back("the servers are not what the agents have");
  for (const auto& [name, node] : state.nodes) {
    const bool suspect = state.settings.node_failures > 0 && node.failures >= state.settings.node_failures &&
                         node.quarantine.empty();
    if (suspect != state.suspects.contains(name))
      problems.push_back("node " + name + ": quarantine is wrong");
  }
  const int in_flight = state.count(PointState::Leased) + state.count(PointState::Running);
  if (state.phase == Phase::Closed && in_flight != 0) problems.push_back("closed with points in flight");
  return problems;
}

}  // namespace sweep::core
