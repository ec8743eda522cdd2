#include "controller/core/server_starts.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::core {

namespace {

constexpr std::size_t kMaxStartReason = 1024, kMaxStartNodes = 200;

std::string nodes_text(const std::set<std::string>& nodes) {
  return clipped(join(std::vector<std::string>(nodes.begin(), nodes.end()), ", "), kMaxStartNodes);
}

/// True if the agent's node has enough GPUs for the point and serves its runner.
bool fits(const AgentStatus& agent, const PointStatus& point) {
  return static_cast<int>(agent.info.gpus.size()) >= point.spec.gpus &&
         serves(agent, point.spec.runner.str());
}

/// True if the agent could run the point, now or when it is free.
bool could_run(const State& state, const AgentStatus& agent, const PointStatus& point, Instant now) {
  return is_eligible(state, agent) && fits(agent, point) &&
         (waits_for_job_end(state, agent, now) || ends_in_time(state, agent, point, now));
}

/// Returns the agents that probably run an idle server for the point.
std::vector<const AgentStatus*> agents_with_server(const State& state, const PointStatus& point) {
  std::vector<const AgentStatus*> out;
  if (state.servers.servers(point.key) == 0) return out;
  for (const auto& [id, agent] : state.agents) {
    if (is_warm(agent, point) && is_eligible(state, agent)) out.push_back(&agent);
  }
  return out;
}

/// Returns the first waiting point of the key, which must have one.
const PointStatus& first_waiting(const State& state, int key) {
  return point_at(state, state.servers.waiting(key).begin()->second);
}

/// True if the key's server has failed often enough, on two nodes if there are two.
bool is_exhausted(const State& state, int key, const FailedStarts& failed, Instant now) {
  if (failed.count < starts_allowed(state.settings) || state.servers.waiting(key).empty()) return false;
  return failed.nodes.size() > 1 || must_use_avoided_node(state, first_waiting(state, key), now);
}

}  // namespace

int starts_allowed(const Settings& settings) {
  return std::max(2, settings.benchmark_retries + 1);
}

bool failed_to_start(const Outcome& outcome) {
  if (outcome.phase == "image")
    return outcome.kind == OutcomeKind::BenchmarkFailed || outcome.kind == OutcomeKind::TimedOut;
  return (outcome.kind == OutcomeKind::ServerFailed || outcome.kind == OutcomeKind::TimedOut) &&
         (outcome.phase == "server-start" || outcome.phase == "ready");
}

const FailedStarts* find_failed_starts(const State& state, int key) {
  const auto found = state.failed_starts.find(key);
  return found == state.failed_starts.end() ? nullptr : &found->second;
}

bool avoids(const State& state, const PointStatus& point, const std::string& node) {
  if (point.bad_nodes.contains(node)) return true;
  const FailedStarts* failed = find_failed_starts(state, point.key);
  return failed != nullptr && failed->nodes.contains(node);
}

bool has_untried_node(const State& state, const PointStatus& point, Instant now) {
  return std::any_of(state.agents.begin(), state.agents.end(), [&](const auto& entry) {
    const AgentStatus& agent = entry.second;
    return !avoids(state, point, agent.info.node) && could_run(state, agent, point, now);
  });
}

bool must_use_avoided_node(const State& state, const PointStatus& point, Instant now) {
  return joining_is_over(state, now) && !has_untried_node(state, point, now);
}

bool starts_are_over(const State& state, int key, Instant now) {
  const FailedStarts* failed = find_failed_starts(state, key);
  return failed != nullptr && is_exhausted(state, key, *failed, now);
}

bool start_is_held_back(const State& state, int key, Instant now) {
  const FailedStarts* failed = find_failed_starts(state, key);
  if (failed == nullptr) return false;
  return state.servers.in_use(key) > 0 || starts_are_over(state, key, now);
}

std::vector<Event> unusable_servers(const State& state, Instant now) {
  std::vector<Event> events;
  for (const auto& [key, failed] : state.failed_starts) {
    if (state.servers.in_use(key) > 0 || !is_exhausted(state, key, failed, now)) continue;
    ServerUnusable event;
    const auto running = agents_with_server(state, first_waiting(state, key));
    for (const Place& place : state.servers.waiting(key)) {
      const PointStatus& point = point_at(state, place.second);
      const bool can_wait = std::any_of(running.begin(), running.end(),
                                        [&](const AgentStatus* agent) { return fits(*agent, point); });
      if (!can_wait) event.points.push_back(point.spec.id);
    }
    if (event.points.empty()) continue;
    event.reason = clipped("the server failed to start " + std::to_string(failed.count) + " times (on " +
                               nodes_text(failed.nodes) + "), last: " + failed.reason,
                           kMaxStartReason);
    events.push_back({now, std::move(event)});
  }
  return events;
}

void note_start(State& state, int key, const std::string& node, const Outcome& outcome) {
  if (failed_to_start(outcome)) {
    FailedStarts& failed = state.failed_starts[key];
    ++failed.count;
    failed.nodes.insert(node);
    failed.reason = outcome.reason.empty() ? describe(outcome) : outcome.reason;
    return;
  }
  const bool was_ready = outcome.kind == OutcomeKind::Ok || outcome.kind == OutcomeKind::NoResult ||
                         outcome.kind == OutcomeKind::InvalidResult;
  if (was_ready) forget_failed_starts(state, key);
}

void forget_failed_starts(State& state, int key) {
  state.failed_starts.erase(key);
}

}  // namespace sweep::core
