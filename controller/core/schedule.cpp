#include "controller/core/schedule.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "controller/core/gang_members.hpp"
#include "controller/core/server_starts.hpp"
#include "util/text.hpp"

namespace sweep::core {

namespace {

constexpr std::size_t kMaxReason = 1024;

/// Returns "n1", "n1 and n2", or "n1, n2, n3 and 4 more".
std::string names_text(const std::set<std::string>& nodes) {
  constexpr std::size_t kMaxNames = 3;
  std::vector<std::string> names(nodes.begin(), nodes.end());
  if (names.size() > kMaxNames + 1) {
    names.resize(kMaxNames);
    names.push_back(std::to_string(nodes.size() - kMaxNames) + " more");
  }
  return listed(std::move(names), "and");
}

int total_gpus(const AgentStatus& agent) {
  return static_cast<int>(agent.info.gpus.size());
}

/// Returns the free agent that the point is leased to; nullptr if there is none.
const AgentStatus* best_agent(const State& state, const PointStatus& point, const Reservation& reserved,
                              Instant now) {
  const bool server_failed = find_failed_starts(state, point.key) != nullptr;
  const bool keep_off = server_failed ? !must_use_avoided_node(state, point, now)
                                      : !point.bad_nodes.empty() && has_untried_node(state, point, now);
  const auto& free = state.roster.free();
  for (auto at = free.lower_bound({point.spec.gpus, 0, ""}); at != free.end(); ++at) {
    const AgentStatus& agent = state.agents.at(std::get<2>(*at));
    if (keep_off && avoids(state, point, agent.info.node)) continue;
    if (!serves(agent, point.spec.runner.str()) || !may_use(state, reserved, agent, point, now)) continue;
    if (can_take(state, agent, point.spec.gpus) && ends_in_time(state, agent, point, now)) return &agent;
  }
  return nullptr;
}

Leased lease_of(const PointStatus& point, const AgentStatus& agent) {
  return {{point.spec.id, static_cast<int>(point.attempts.size()) + 1}, agent.info.id};
}

/// True if the points of the key should wait for its running servers: those are expected to finish
/// all waiting points before another server would have started and run one point.
bool worth_waiting(const State& state, int key) {
  const Servers& servers = state.servers;
  const int at_work = key < 0 ? 0 : servers.in_use(key);
  if (at_work == 0) return false;
  const auto start = state.server_starts.value();
  const auto wall = state.key_walls[static_cast<std::size_t>(key)].value();
  if (!start || !wall) return false;
  const auto waiting = static_cast<std::int64_t>(servers.waiting(key).size());
  // The attempts in progress are assumed to be half done.
  const Millis until_done = (*wall * waiting + *wall * at_work / 2) / at_work;
  return *start + *wall >= until_done;
}

/// Returns the first place whose point an agent can take now, with its lease.
template <class Places>
std::optional<std::pair<Place, Leased>> first_place(const State& state, const Places& places,
                                                    const Reservation& reserved, Instant now) {
  const int most_free = std::get<0>(*state.roster.free().rbegin());
  for (auto at = places.lower_bound({-most_free, 0}); at != places.end(); ++at) {
    const PointStatus& point = point_at(state, at->second);
    if (worth_waiting(state, point.key) || start_is_held_back(state, point.key, now)) continue;
    if (const AgentStatus* agent = best_agent(state, point, reserved, now))
      return std::pair(*at, lease_of(point, *agent));
  }
  return std::nullopt;
}

bool any_free_agent_serves(const State& state, const std::string& runner) {
  const auto& free = state.roster.free();
  return std::any_of(free.begin(), free.end(),
                     [&](const auto& entry) { return serves(state.agents.at(std::get<2>(entry)), runner); });
}

template <class Places>
std::optional<Leased> first_lease(const State& state, const Places& places, const Reservation& reserved,
                                  Instant now) {
  auto first = first_place(state, places, reserved, now);
  return first ? std::optional(std::move(first->second)) : std::nullopt;
}

/// Returns the first possible lease of a pending point. If points name runners, only the queues of runners
/// that a free agent serves are searched.
std::optional<Leased> first_pending(const State& state, const Reservation& reserved, Instant now) {
  if (state.pending_of.empty()) return first_lease(state, state.pending, reserved, now);
  std::optional<std::pair<Place, Leased>> best;
  for (const auto& [runner, places] : state.pending_of) {
    if (places.empty() || !any_free_agent_serves(state, runner)) continue;
    auto first = first_place(state, places, reserved, now);
    if (first && (!best || first->first < best->first)) best = std::move(first);
  }
  return best ? std::optional(std::move(best->second)) : std::nullopt;
}

/// Returns a lease of a free agent's idle server, if a point waits for one.
std::optional<Leased> warm_lease(const State& state, const Reservation& reserved, Instant now) {
  for (const auto& [first, key] : state.servers.matches()) {
    for (const auto& [order, id] : state.servers.warm(key)) {
      const AgentStatus& agent = state.agents.at(id);
      for (const Place& place : state.servers.waiting(key)) {
        const PointStatus& point = point_at(state, place.second);
        if (!can_take(state, agent, point.spec.gpus) || !serves(agent, point.spec.runner.str())) break;
        const bool avoided = point.bad_nodes.contains(agent.info.node) &&
                             has_untried_node(state, point, now) && !starts_are_over(state, key, now);
        if (!avoided && may_use(state, reserved, agent, point, now) && ends_in_time(state, agent, point, now))
          return lease_of(point, agent);
      }
    }
  }
  return std::nullopt;
}

/// Returns a lease that starts another server for the key with the most waiting points per server.
std::optional<Leased> additional_server_lease(const State& state, const Reservation& reserved, Instant now) {
  const int most_free = std::get<0>(*state.roster.free().rbegin());
  for (const auto& [load, key] : state.servers.loads()) {
    const PointStatus& point = point_at(state, state.servers.waiting(key).begin()->second);
    if (point.spec.gpus > most_free || worth_waiting(state, key) || start_is_held_back(state, key, now))
      continue;
    if (const AgentStatus* agent = best_agent(state, point, reserved, now)) return lease_of(point, *agent);
  }
  return std::nullopt;
}

/// Returns the first lease that is possible now. Only one: the next one is decided on the state after it.
std::optional<Leased> next_lease(const State& state, Instant now) {
  if (state.roster.free().empty()) return std::nullopt;
  GangTurn gangs = next_gang(state, now);
  if (gangs.lease) return std::move(gangs.lease);
  if (state.servers.any_keys()) {
    if (auto lease = warm_lease(state, gangs.reserved, now)) return lease;
    if (auto lease = first_lease(state, state.servers.unserved(), gangs.reserved, now)) return lease;
    if (auto lease = additional_server_lease(state, gangs.reserved, now)) return lease;
  }
  return first_pending(state, gangs.reserved, now);
}

const AgentStatus& largest_agent(const State& state) {
  const AgentStatus* largest = nullptr;
  for (const auto& [id, agent] : state.agents) {
    if (agent.session != state.session) continue;
    if (largest == nullptr || total_gpus(agent) > total_gpus(*largest)) largest = &agent;
  }
  return *largest;
}

std::string too_large(int gpus, const AgentStatus& largest) {
  std::string out = "needs " + counted(static_cast<std::size_t>(gpus), "GPU") + "; the largest node, " +
                    largest.info.node + ", has " + std::to_string(total_gpus(largest));
  if (largest.info.gpus.empty()) {
    out += "; ask Slurm for GPUs (--gpus-per-node=8), or set 'gpus: ignore' in the profile";
  }
  return out;
}

/// Returns why no agents can run the gang; nullopt if they can.
std::optional<std::string> unfit_gang(const State& state, const PointStatus& point) {
  if (is_runnable_gang(point.spec)) return too_large_gang(state, point);
  return "needs " + point.spec.gang->text +
         "; points with several servers or nodes (gangs) are not run by this version";
}

/// Returns Unfit events for gangs that the agents cannot run, and for points that need more GPUs than any agent of this session, gone or not,
/// has. The queue begins with the largest demand.
std::vector<Event> unfit_points(const State& state, Instant now) {
  const int most = state.roster.largest();
  if (most < 0 || state.pending.empty() || -state.pending.begin()->first <= most) return {};
  const AgentStatus& largest = largest_agent(state);
  std::vector<Event> events;
  std::map<std::pair<const GangSpec*, std::string>, std::optional<std::string>>
      gangs;  // many points are alike
  for (const auto& [negative_gpus, index] : state.pending) {
    if (-negative_gpus <= most) break;
    const PointStatus& point = point_at(state, index);
    const auto [known, added] = gangs.try_emplace({point.spec.gang.get(), point.spec.runner.str()});
    if (added && point.spec.gang) known->second = unfit_gang(state, point);
    const auto why = point.spec.gang ? known->second : too_large(-negative_gpus, largest);
    if (why) events.push_back({now, Unfit{point.spec.id, *why}});
  }
  return events;
}

/// Returns the GPU types of this session's agents as text: "; the GPUs of n1 and n2 are h200 (gres)". "" if
/// none is known.
std::string known_gpus_text(const State& state) {
  std::map<std::string, std::set<std::string>> nodes;  // by GPU type
  for (const auto& [id, agent] : state.agents) {
    const Hardware& hardware = agent.hardware;
    if (agent.session == state.session && !hardware.gpus.empty())
      nodes[hardware.gpus + " (" + hardware.from + ")"].insert(agent.info.node);
  }
  std::string out;
  for (const auto& [type, names] : nodes)
    out += "; the GPUs of " + names_text(names) + " are " + type;
  return out;
}

/// Returns Unfit events for points whose runner no agent of this session, or none large enough, serves.
std::vector<Event> unserved_points(const State& state, Instant now) {
  std::vector<Event> events;
  if (state.roster.any_not_ready_yet()) return events;
  for (const auto& [runner, places] : state.pending_of) {
    if (runner.empty()) continue;
    const auto found = state.largest_of.find(runner);
    const int largest = found == state.largest_of.end() ? -1 : found->second;
    for (const auto& [negative_gpus, index] : places) {
      if (-negative_gpus <= largest) break;
      const PointSpec& spec = point_at(state, index).spec;
      if (spec.gang) continue;
      const std::string why = largest < 0
                                  ? clipped("no node serves its runner '" + runner +
                                                "'; see 'runners' in the profile" + known_gpus_text(state),
                                            kMaxReason)
                                  : "needs " + counted(static_cast<std::size_t>(-negative_gpus), "GPU") +
                                        "; the largest node that serves its runner '" + runner + "' has " +
                                        std::to_string(largest);
      events.push_back({now, Unfit{spec.id, why}});
    }
  }
  return events;
}

std::string minutes(Millis time) {
  const auto seconds = std::max<std::int64_t>(0, time.count()) / 1000;
  return seconds < 120 ? std::to_string(seconds) + " s" : std::to_string(seconds / 60) + " min";
}

/// Returns the reason if the point is not leased because a free agent's job ends too soon.
std::optional<std::string> too_little_time_reason(const State& state, const PointStatus& point, Instant now) {
  if (point.spec.gang) return std::nullopt;  // no_node_left_reason() says what it needs
  for (const auto& [gpus, order, id] : state.roster.free()) {
    const AgentStatus& agent = state.agents.at(id);
    if (!can_take(state, agent, point.spec.gpus) || !serves(agent, point.spec.runner.str()) ||
        ends_in_time(state, agent, point, now))
      continue;
    const auto wall = expected_wall(state, point);
    const bool measured = state.walls.contains(point.spec.kind.str());
    return "job " + agent.info.job + " ends in " + minutes(state.job_ends.at(agent.info.job) - now) +
           ", too soon for the remaining points" +
           (wall ? " (" + minutes(*wall) +
                       (measured ? " each, as measured so far)" : " each, from timeouts.point)")
                 : std::string());
  }
  return std::nullopt;
}

/// Returns "n1 is", "n1 and n2 are", or "n1, n2, n3 and 4 more are".
std::string nodes_are(const std::set<std::string>& nodes) {
  return names_text(nodes) + (nodes.size() == 1 ? " is" : " are");
}

/// Returns why no node is left to run the remaining points: the nodes that could have, with their reasons.
std::string no_node_left_reason(const State& state, const PointStatus& first) {
  const int gpus = first.spec.gang ? 0 : first.spec.gpus;  // on one node
  std::map<std::string, std::set<std::string>> gone;       // by the reason
  for (const auto& [id, agent] : state.agents) {
    const bool could =
        agent.session == state.session && total_gpus(agent) >= gpus && serves(agent, first.spec.runner.str());
    if (could && (agent.gone || agent.leaving)) gone[agent.gone_reason].insert(agent.info.node);
  }
  std::string what;
  for (const auto& [name, node] : state.nodes) {
    if (!node.quarantine.empty()) what += "; " + name + " is quarantined: " + node.quarantine;
  }
  for (const auto& [reason, nodes] : gone)
    what += "; " + nodes_are(nodes) + " gone: " + reason;
  const bool too_small = state.roster.any_eligible();
  const std::string size =
      too_small ? " with " + counted(static_cast<std::size_t>(first.spec.gpus), "GPU") : "";
  const std::string of_runner =
      first.spec.runner.empty() ? "" : " of runner '" + first.spec.runner.str() + "'";
  if (!first.spec.runner.empty()) what += known_gpus_text(state);
  const std::string who = first.spec.gang
                              ? "not enough nodes are left for a point that needs " + first.spec.gang->text
                              : "no node" + size + of_runner + " is left";
  return clipped(who + what, kMaxReason);
}

bool any_waits_for_job_end(const State& state, Instant now) {
  const auto& free = state.roster.free();
  return std::any_of(free.begin(), free.end(), [&](const auto& entry) {
    return waits_for_job_end(state, state.agents.at(std::get<2>(entry)), now);
  });
}

std::optional<Closed> ending(const State& state, Instant now) {
  if (state.roster.any_busy()) return std::nullopt;
  if (state.phase == Phase::Stopping) return Closed{complete(state), state.end_reason};
  if (state.pending.empty()) return Closed{complete(state), ""};
  if (!joining_is_over(state, now)) return std::nullopt;
  // No attempt is running and none can be leased; this cannot change unless an agent joins or leaves.
  if (state.roster.any_not_ready_yet() || any_waits_for_job_end(state, now)) return std::nullopt;
  const PointStatus& first = point_at(state, state.pending.begin()->second);
  if (auto time = too_little_time_reason(state, first, now)) return Closed{false, *time};
  return Closed{false, no_node_left_reason(state, first)};
}

/// Returns the event that stops a sweep whose first points failed alike before they ran.
std::optional<Stopping> hopeless(const State& state, Instant now) {
  constexpr Millis kStopMargin{5'000};
  // A running attempt may turn out to be better.
  if (!first_points_failed_alike(state) || state.pending.empty() || state.count(PointState::Running) > 0)
    return std::nullopt;
  const StartFailures& failures = state.start_failures;
  return Stopping{clipped("the first " + counted(static_cast<std::size_t>(failures.points), "point") +
                              " failed alike: " + failures.reason,
                          kMaxReason),
                  now + state.settings.margin + kStopMargin};
}

}  // namespace

std::vector<Event> schedule(const State& state, Instant now) {
  if (state.phase == Phase::Running) {
    if (auto stop = hopeless(state, now)) return {{now, std::move(*stop)}};
    if (auto unusable = unusable_servers(state, now); !unusable.empty()) return unusable;
    if (auto lease = next_lease(state, now)) return {{now, std::move(*lease)}};
    if (joining_is_over(state, now)) {
      if (auto unfit = unfit_points(state, now); !unfit.empty()) return unfit;
      if (auto unserved = unserved_points(state, now); !unserved.empty()) return unserved;
    }
  }
  if (auto closed = ending(state, now)) return {{now, std::move(*closed)}};
  return {};
}

}  // namespace sweep::core
