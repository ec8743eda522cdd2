// Who gets what next, and when the sweep is over.
//
// Order: largest GPU demand first, then matrix order. A point goes to the agent with the fewest free GPUs
// that are enough, away from nodes whose infrastructure failed under it where there is another.
#include <algorithm>

#include "controller/core/decide.hpp"
#include "proto/base/text.hpp"

namespace sweep::core {

namespace {

int total_gpus(const AgentStatus& agent) {
  return static_cast<int>(agent.info.gpus.size());
}
int free_gpus(const AgentStatus& agent) {
  return total_gpus(agent) - agent.gpus_held;
}

bool in_crew(const AgentStatus& agent) {
  return !agent.gone && !agent.leaving;
}

/// Whether a node that has not failed under the point could ever run it.
bool has_untried_node(const State& state, const PointStatus& point) {
  return std::any_of(state.agents.begin(), state.agents.end(), [&](const auto& entry) {
    const AgentStatus& agent = entry.second;
    return in_crew(agent) && total_gpus(agent) >= point.spec.gpus &&
           !point.bad_nodes.contains(agent.info.node);
  });
}

const AgentStatus* best_agent(const State& state, const PointStatus& point) {
  const bool choosy = !point.bad_nodes.empty() && has_untried_node(state, point);
  const AgentStatus* best = nullptr;
  for (const auto& [id, agent] : state.agents) {
    if (choosy && point.bad_nodes.contains(agent.info.node)) continue;
    if (!can_take(state, agent, point.spec.gpus)) continue;
    const bool better = best == nullptr || free_gpus(agent) < free_gpus(*best) ||
                        (free_gpus(agent) == free_gpus(*best) && agent.order < best->order);
    if (better) best = &agent;
  }
  return best;
}

/// The first lease that is possible now. One at a time: the next decision sees what this one did.
std::optional<Leased> next_lease(const State& state) {
  int most_free = -1;
  for (const auto& [id, agent] : state.agents) {
    if (can_take(state, agent, 0) || can_take(state, agent, 1))
      most_free = std::max(most_free, free_gpus(agent));
  }
  if (most_free < 0) return std::nullopt;
  for (auto at = state.pending.lower_bound({-most_free, 0}); at != state.pending.end(); ++at) {
    const PointStatus& point = state.points[static_cast<std::size_t>(at->second)];
    if (const AgentStatus* agent = best_agent(state, point)) {
      return Leased{{point.spec.id, static_cast<int>(point.attempts.size()) + 1}, agent->info.id};
    }
  }
  return std::nullopt;
}

/// Whether an agent that is here has not yet said how something ended: a point's attempt, or one that was
/// cancelled because it came too late.
bool busy(const State& state) {
  return std::any_of(state.agents.begin(), state.agents.end(),
                     [](const auto& entry) { return !entry.second.gone && !entry.second.held.empty(); });
}

std::string too_large(int gpus, const AgentStatus& largest) {
  std::string out = "needs " + counted(static_cast<std::size_t>(gpus), "GPU") + "; the largest node, " +
                    largest.info.node + ", has " + std::to_string(total_gpus(largest));
  if (largest.info.gpus.empty()) {
    out += "; ask Slurm for GPUs (--gpus-per-node=8), or set 'gpus: ignore' in the profile";
  }
  return out;
}

/// Points that no agent can ever run. An agent that is gone may come back, and its points wait for it as long
/// as others run.
std::vector<Event> unfit_points(const State& state, Instant now) {
  const bool only_those_here = !busy(state);
  const AgentStatus* largest = nullptr;
  for (const auto& [id, agent] : state.agents) {
    if (only_those_here && !in_crew(agent)) continue;
    if (largest == nullptr || total_gpus(agent) > total_gpus(*largest)) largest = &agent;
  }
  if (largest == nullptr) return {};
  std::vector<Event> events;
  for (const auto& [negative_gpus, index] : state.pending) {
    if (-negative_gpus <= total_gpus(*largest)) break;  // the queue begins with the largest demand
    const std::string& id = state.points[static_cast<std::size_t>(index)].spec.id;
    events.push_back({now, Unfit{id, too_large(-negative_gpus, *largest)}});
  }
  return events;
}

bool any_in_crew(const State& state) {
  return std::any_of(state.agents.begin(), state.agents.end(),
                     [](const auto& entry) { return in_crew(entry.second); });
}

std::optional<Closed> ending(const State& state, Instant now) {
  if (busy(state)) return std::nullopt;
  if (state.phase == Phase::Stopping) return Closed{complete(state), state.end_reason};
  if (state.pending.empty()) return Closed{complete(state), ""};
  if (crew_is_known(state, now) && !any_in_crew(state)) return Closed{false, "no agent is left"};
  return std::nullopt;
}

}  // namespace

std::vector<Event> schedule(const State& state, Instant now) {
  if (state.phase == Phase::Running) {
    if (auto lease = next_lease(state)) return {{now, std::move(*lease)}};
    if (crew_is_known(state, now)) {
      if (auto unfit = unfit_points(state, now); !unfit.empty()) return unfit;
    }
  }
  if (auto closed = ending(state, now)) return {{now, std::move(*closed)}};
  return {};
}

}  // namespace sweep::core
