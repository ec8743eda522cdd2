#include "controller/core/gang_members.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "controller/core/gang_layout.hpp"
#include "controller/core/server_starts.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

using Agents = std::vector<const AgentStatus*>;

int size_of(const AgentStatus& agent) {
  return static_cast<int>(agent.info.gpus.size());
}

/// Returns the numbers of GPUs that agents have, the largest first.
std::vector<int> sizes_of(const Agents& agents) {
  std::set<int, std::greater<>> sizes;
  for (const AgentStatus* agent : agents)
    sizes.insert(size_of(*agent));
  return {sizes.begin(), sizes.end()};
}

/// Returns the nodes of the layout, those with most GPUs first.
std::vector<int> by_demand(const GangLayout& layout) {
  std::vector<int> nodes(layout.nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    nodes[i] = static_cast<int>(i);
  std::stable_sort(nodes.begin(), nodes.end(), [&](int a, int b) {
    return layout.nodes[static_cast<std::size_t>(a)].gpus > layout.nodes[static_cast<std::size_t>(b)].gpus;
  });
  return nodes;
}

/// Returns an agent for each node of the layout: the first one of `agents` on a Slurm node of its own that has the
/// layout's number of GPUs, or for a node without GPUs the last one; empty if there are too few. `agents` is in the order
/// in which they are preferred.
Agents deal(const GangLayout& layout, const Agents& agents, int size) {
  Agents out(layout.nodes.size(), nullptr);
  std::set<std::string> used;
  const auto take = [&](std::size_t node, auto first, auto last, bool any_size) {
    for (auto at = first; at != last && out[node] == nullptr; ++at) {
      const AgentStatus& agent = **at;
      if ((any_size || size_of(agent) == size) && used.insert(agent.info.node).second) out[node] = &agent;
    }
  };
  for (const int node : by_demand(layout)) {
    const auto index = static_cast<std::size_t>(node);
    if (layout.nodes[index].gpus > size) return {};
    if (layout.nodes[index].gpus > 0) {
      take(index, agents.begin(), agents.end(), false);
    } else {
      take(index, agents.rbegin(), agents.rend(), true);
    }
    if (out[index] == nullptr) return {};
  }
  return out;
}

struct Dealt {
  GangLayout layout;
  Agents agents;  // by node of the layout
};

/// Returns the gang on these agents; nullopt if they are not enough. The nodes have as many GPUs as possible.
std::optional<Dealt> deal(const GangSpec& gang, const Agents& agents) {
  for (const int size : sizes_of(agents)) {
    auto layout = lay_out(gang, size);
    if (!layout) continue;
    Agents dealt = deal(*layout, agents, size);
    if (!dealt.empty()) return Dealt{*std::move(layout), std::move(dealt)};
  }
  return std::nullopt;
}

/// Returns the agents for which `wanted` holds, in the order in which they joined, avoided ones last.
Agents agents_where(const State& state, const PointStatus& point,
                    const std::function<bool(const AgentStatus&)>& wanted) {
  Agents out;
  for (const auto& [id, agent] : state.agents) {
    if (agent.session == state.session && serves(agent, point.spec.runner.str()) && wanted(agent))
      out.push_back(&agent);
  }
  std::sort(out.begin(), out.end(), [&](const AgentStatus* a, const AgentStatus* b) {
    const bool avoids_a = point.bad_nodes.contains(a->info.node),
               avoids_b = point.bad_nodes.contains(b->info.node);
    return avoids_a != avoids_b ? avoids_b : a->order < b->order;
  });
  return out;
}

std::optional<Leased> lease_now(const State& state, const PointStatus& point, const Reservation& reserved,
                                Instant now) {
  const Agents free = agents_where(state, point, [&](const AgentStatus& agent) {
    return agent.held.empty() && can_take(state, agent, 0) && ends_in_time(state, agent, point, now) &&
           may_use(state, reserved, agent, point, now);
  });
  const auto dealt = deal(*point.spec.gang, free);
  if (!dealt) return std::nullopt;
  Leased out;
  out.ref = {point.spec.id, static_cast<int>(point.attempts.size()) + 1};
  for (std::size_t i = 0; i < dealt->agents.size(); ++i)
    out.members.push_back({dealt->agents[i]->info.id, dealt->layout.nodes[i].gpus});
  out.agent = out.members[static_cast<std::size_t>(dealt->layout.client)].agent;
  return out;
}

/// Returns when the agent is expected to be free; nullopt if that is unknown.
std::optional<Instant> free_at(const State& state, const AgentStatus& agent, Instant now) {
  Instant out = now;
  for (const auto& [index, number] : agent.held) {
    const PointStatus& point = point_at(state, index);
    const auto wall = expected_wall(state, point);
    if (!wall) return std::nullopt;
    const Attempt& attempt = attempt_at(point, number);
    out = std::max(out, attempt.started.value_or(attempt.leased) + *wall);
  }
  return out;
}

/// Returns the agents that the gang waits for; nullopt if no agents that are there could run it.
std::optional<Reservation> reserve(const State& state, const PointStatus& point, Instant now) {
  Agents all = agents_where(
      state, point, [&](const AgentStatus& agent) { return agent.ready && is_eligible(state, agent); });
  std::map<std::string, std::optional<Instant>> free;
  for (const AgentStatus* agent : all)
    free[agent->info.id] = free_at(state, *agent, now);
  std::stable_sort(all.begin(), all.end(), [&](const AgentStatus* a, const AgentStatus* b) {
    return free[a->info.id].value_or(Instant::max()) < free[b->info.id].value_or(Instant::max());
  });
  const auto dealt = deal(*point.spec.gang, all);
  if (!dealt) return std::nullopt;
  Reservation out;
  out.begins = now;
  for (const AgentStatus* agent : dealt->agents) {
    out.agents.insert(agent->info.id);
    const auto at = free[agent->info.id];
    out.begins = out.begins && at ? std::optional(std::max(*out.begins, *at)) : std::nullopt;
  }
  return out;
}

}  // namespace

bool is_runnable_gang(const PointSpec& spec) {
  return spec.gang && !spec.gang->roles.empty();
}

bool may_use(const State& state, const Reservation& reserved, const AgentStatus& agent,
             const PointStatus& point, Instant now) {
  if (!reserved.agents.contains(agent.info.id)) return true;
  const auto wall = expected_wall(state, point);
  if (!reserved.begins || !wall) return false;
  const bool cold = point.key >= 0 && !is_warm(agent, point);
  const Millis start = cold ? state.server_starts.value().value_or(Millis(0)) : Millis(0);
  return now + start + *wall <= *reserved.begins;
}

GangTurn next_gang(const State& state, Instant now) {
  GangTurn out;
  std::set<std::pair<const GangSpec*, std::string>> tried;
  for (const auto& [negative_gpus, index] : state.pending) {
    const PointStatus& point = point_at(state, index);
    if (!point.spec.gang) return out;  // the gangs are first in the queue
    if (!is_runnable_gang(point.spec)) continue;
    const bool is_new = tried.insert({point.spec.gang.get(), point.spec.runner.str()}).second;
    if (!is_new && point.bad_nodes.empty()) continue;
    out.lease = lease_now(state, point, out.reserved, now);
    if (out.lease) return out;
    if (!out.reserved.agents.empty()) continue;
    if (auto reserved = reserve(state, point, now)) out.reserved = *std::move(reserved);
  }
  return out;
}

std::optional<std::string> too_large_gang(const State& state, const PointStatus& point) {
  const Agents all = agents_where(state, point, [](const AgentStatus&) { return true; });
  if (deal(*point.spec.gang, all)) return std::nullopt;
  std::map<int, std::set<std::string>, std::greater<>> nodes;  // by number of GPUs
  for (const AgentStatus* agent : all)
    nodes[size_of(*agent)].insert(agent->info.node);
  std::vector<std::string> there;
  for (const auto& [gpus, names] : nodes)
    there.push_back(counted(names.size(), "node") + " with " +
                    counted(static_cast<std::size_t>(gpus), "GPU"));
  const std::string of_runner =
      point.spec.runner.empty() ? "" : " that serve its runner '" + point.spec.runner.str() + "'";
  return "needs " + point.spec.gang->text + "; the sweep has " +
         (there.empty() ? "no nodes" : listed(std::move(there), "and")) + of_runner;
}

}  // namespace sweep::core
