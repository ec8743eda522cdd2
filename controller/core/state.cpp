#include "controller/core/state.hpp"

#include <algorithm>
#include <cassert>

namespace sweep::core {

std::string_view state_word(PointState state) {
  static constexpr std::array<std::string_view, kPointStates> kWords = {
      "pending", "leased", "running", "done", "failed", "cancelled", "withdrawn"};
  return kWords[static_cast<std::size_t>(state)];
}

int demand(const PointSpec& spec) {
  constexpr int kGang = 1 << 20;  // more GPUs than any node has
  return spec.gang ? kGang + spec.gpus : spec.gpus;
}

namespace {

Place queue_key(const State& state, int index) {
  return {-demand(point_at(state, index).spec), index};
}

void enqueue(State& state, int index, bool pending) {
  const Place place = queue_key(state, index);
  pending ? void(state.pending.insert(place)) : void(state.pending.erase(place));
  const PointStatus& point = point_at(state, index);
  state.servers.queue(point.key, place, pending);
  if (state.pending_of.empty()) return;
  auto& of_runner = state.pending_of[point.spec.runner.str()];
  pending ? void(of_runner.insert(place)) : void(of_runner.erase(place));
}

/// Numbers the server keys in the order in which the points name them.
std::unordered_map<std::string, int> numbered_keys(const std::vector<PointSpec>& points) {
  std::unordered_map<std::string, int> keys;
  for (const PointSpec& spec : points) {
    if (!spec.server.empty()) keys.try_emplace(spec.server.str(), static_cast<int>(keys.size()));
  }
  return keys;
}

int& counter(State& state, PointState of) {
  return state.counts[static_cast<std::size_t>(of)];
}

bool share_gpus(const AgentInfo& a, const AgentInfo& b) {
  if (a.gpus.empty() || b.gpus.empty()) return true;
  return std::any_of(a.gpus.begin(), a.gpus.end(), [&](const std::string& gpu) {
    return std::find(b.gpus.begin(), b.gpus.end(), gpu) != b.gpus.end();
  });
}

/// True if `a` takes precedence over `b` on the same node: it has more GPUs, or else joined first.
bool takes_precedence(const AgentStatus& a, const AgentStatus& b) {
  if (a.info.gpus.size() != b.info.gpus.size()) return a.info.gpus.size() > b.info.gpus.size();
  return a.order < b.order;
}

}  // namespace

State make_state(const Settings& settings, const std::vector<PointSpec>& points) {
  State state;
  state.settings = settings;
  state.points.reserve(points.size());
  const auto keys = numbered_keys(points);
  state.servers = Servers(static_cast<int>(keys.size()));
  state.key_walls.resize(keys.size());
  const bool runners =
      std::any_of(points.begin(), points.end(), [](const PointSpec& spec) { return !spec.runner.empty(); });
  for (const PointSpec& spec : points) {
    if (runners) state.pending_of[spec.runner.str()];
  }
  for (const PointSpec& spec : points) {
    const int index = static_cast<int>(state.points.size());
    const bool fresh = state.index_of.emplace(spec.id, index).second;
    assert(fresh && "point ids are distinct");
    static_cast<void>(fresh);
    PointStatus point;
    point.spec = spec;
    if (!spec.server.empty()) point.key = keys.at(spec.server.str());
    state.points.push_back(std::move(point));
    enqueue(state, index, true);
  }
  counter(state, PointState::Pending) = static_cast<int>(points.size());
  return state;
}

void set_point_state(State& state, int index, PointState to) {
  PointStatus& point = point_at(state, index);
  if (point.state == to) return;
  if (point.state == PointState::Pending) enqueue(state, index, false);
  --counter(state, point.state);
  point.state = to;
  ++counter(state, to);
  if (to == PointState::Pending) enqueue(state, index, true);
}

int find_point(const State& state, const std::string& id) {
  const auto found = state.index_of.find(id);
  return found == state.index_of.end() ? -1 : found->second;
}

const Attempt* find_attempt(const State& state, const AttemptRef& ref) {
  const int index = find_point(state, ref.point);
  if (index < 0) return nullptr;
  const auto& attempts = point_at(state, index).attempts;
  if (ref.attempt < 1 || static_cast<std::size_t>(ref.attempt) > attempts.size()) return nullptr;
  return &attempts[static_cast<std::size_t>(ref.attempt - 1)];
}

const GangMember* find_member(const Attempt& attempt, const std::string& agent) {
  const auto found = std::find_if(attempt.members.begin(), attempt.members.end(),
                                  [&](const GangMember& member) { return member.agent == agent; });
  return found == attempt.members.end() ? nullptr : &*found;
}

bool runs(const Attempt& attempt, const std::string& agent) {
  return attempt.agent == agent || find_member(attempt, agent) != nullptr;
}

int gpus_on(const PointStatus& point, const Attempt& attempt, const std::string& agent) {
  if (attempt.members.empty()) return attempt.agent == agent ? point.spec.gpus : 0;
  const GangMember* member = find_member(attempt, agent);
  return member == nullptr ? 0 : member->gpus;
}

bool has_result(const PointStatus& point) {
  return std::any_of(point.attempts.begin(), point.attempts.end(),
                     [](const Attempt& attempt) { return attempt.accepted; });
}

const std::vector<std::string>& invalid_reasons(const PointStatus& point) {
  static const std::vector<std::string> kNone;
  const auto accepted = std::find_if(point.attempts.begin(), point.attempts.end(),
                                     [](const Attempt& attempt) { return attempt.accepted; });
  return accepted == point.attempts.end() ? kNone : accepted->invalid;
}

bool has_invalid_result(const PointStatus& point) {
  return !invalid_reasons(point).empty();
}

int invalid_points(const State& state) {
  return static_cast<int>(std::count_if(
      state.points.begin(), state.points.end(),
      [](const PointStatus& point) { return point.state == PointState::Done && has_invalid_result(point); }));
}

int total_points(const State& state) {
  return static_cast<int>(state.points.size()) - state.count(PointState::Withdrawn);
}

bool complete(const State& state) {
  return state.count(PointState::Done) == total_points(state);
}

std::optional<Millis> expected_wall(const State& state, const PointStatus& point) {
  const auto found = state.walls.find(point.spec.kind.str());
  if (found != state.walls.end()) return found->second.value();
  return state.settings.expected.count() > 0 ? std::optional(state.settings.expected) : std::nullopt;
}

namespace {

/// Returns until when the agents of a job wait for its first task to report the job's end. The first task
/// stops asking Slurm before that.
Instant job_end_deadline(const State& state) {
  constexpr Millis kPatience{15'000};
  return *state.first_join + std::min(kPatience, state.settings.join_timeout);
}

}  // namespace

bool waits_for_job_end(const State& state, const AgentStatus& agent, Instant now) {
  const std::string& job = agent.info.job;
  const auto answered = state.job_end_answered.find(job);
  const bool unanswered =
      answered != state.job_end_answered.end() && !answered->second && !state.job_ends.contains(job);
  return unanswered && now < job_end_deadline(state);
}

bool ends_in_time(const State& state, const AgentStatus& agent, const PointStatus& point, Instant now) {
  const auto end = state.job_ends.find(agent.info.job);
  if (end == state.job_ends.end()) return !waits_for_job_end(state, agent, now);
  const bool cold = point.key >= 0 && !is_warm(agent, point);
  const Millis start = cold ? state.server_starts.value().value_or(Millis(0)) : Millis(0);
  return now + start + expected_wall(state, point).value_or(Millis(0)) + state.settings.margin < end->second;
}

bool is_warm(const AgentStatus& agent, const PointStatus& point) {
  return std::any_of(agent.warm.begin(), agent.warm.end(),
                     [&](const WarmServer& server) { return server.key == point.key; });
}

bool is_quarantined(const State& state, const AgentStatus& agent) {
  const auto node = state.nodes.find(agent.info.node);
  return node != state.nodes.end() && !node->second.quarantine.empty();
}

bool is_eligible(const State& state, const AgentStatus& agent) {
  return !agent.gone && !agent.leaving && !is_quarantined(state, agent);
}

std::set<std::pair<int, int>> unfinished(const AgentStatus& agent) {
  auto all = agent.held;
  all.insert(agent.sending.begin(), agent.sending.end());
  return all;
}

bool is_spare(const State& state, const AgentStatus& agent) {
  const auto& neighbours = state.roster.on_node(agent.info.node);
  return std::any_of(neighbours.begin(), neighbours.end(), [&](const std::string& id) {
    const AgentStatus& other = state.agents.at(id);
    if (other.gone || other.info.id == agent.info.id || other.info.node != agent.info.node) return false;
    return (takes_precedence(other, agent) || !other.held.empty()) &&
           (!state.settings.pack_gpus || share_gpus(other.info, agent.info));
  });
}

bool serves(const AgentStatus& agent, const std::string& runner) {
  return runner.empty() || !agent.serves || agent.serves->contains(runner);
}

bool can_take(const State& state, const AgentStatus& agent, int gpus) {
  if (!agent.ready || !is_eligible(state, agent)) return false;
  const bool whole_node = !state.settings.pack_gpus || gpus == 0;
  // A running point without GPUs occupies the whole node, too.
  if (!agent.held.empty() && (whole_node || agent.gpus_held == 0)) return false;
  if (static_cast<int>(agent.info.gpus.size()) - agent.gpus_held < gpus) return false;
  return !is_spare(state, agent);
}

bool is_gone(const State& state, const std::string& agent) {
  const auto found = state.agents.find(agent);
  return found != state.agents.end() && found->second.gone && found->second.session == state.session;
}

int announced_agents(const State& state) {
  return state.announced;
}

bool first_points_failed_alike(const State& state) {
  constexpr int kFirst = 3;
  const auto runs_its_own = [&](const auto& entry) {
    return entry.second.session != state.session || !entry.second.info.command.empty();
  };
  const StartFailures& failures = state.start_failures;
  return failures.points >= kFirst && !failures.others &&
         (state.settings.one_benchmark ||
          std::all_of(state.agents.begin(), state.agents.end(), runs_its_own));
}

bool joining_is_over(const State& state, Instant now) {
  if (!state.first_join) return false;
  if (now >= *state.first_join + state.settings.join_timeout) return true;
  return state.roster.joined() >= announced_agents(state);
}

namespace {

/// True if the agent is a spare and will take over when a leaving agent on its node is gone.
bool waits_for_leaving(const State& state, const AgentStatus& agent) {
  const auto& neighbours = state.roster.on_node(agent.info.node);
  return is_spare(state, agent) &&
         std::any_of(neighbours.begin(), neighbours.end(), [&](const std::string& id) {
           const AgentStatus& other = state.agents.at(id);
           return !other.gone && other.leaving;
         });
}

RosterEntry entry_of(const State& state, const AgentStatus& agent) {
  RosterEntry entry;
  entry.node = agent.info.node;
  entry.gpus = static_cast<int>(agent.info.gpus.size());
  entry.order = agent.order;
  if (can_take(state, agent, 0) || can_take(state, agent, 1)) entry.free = entry.gpus - agent.gpus_held;
  entry.is_eligible = is_eligible(state, agent);
  entry.not_ready_yet = entry.is_eligible && (!agent.ready || waits_for_leaving(state, agent));
  entry.busy = !agent.gone && is_busy(agent);
  entry.joined = agent.session == state.session;
  if (!agent.gone) entry.last_seen = agent.last_seen;
  return entry;
}

AgentServers servers_of(const State& state, const AgentStatus& agent) {
  AgentServers out;
  if (!state.servers.any_keys() || !is_eligible(state, agent)) return out;
  for (const auto& [index, number] : agent.held) {
    const int key = point_at(state, index).key;
    if (key >= 0) out.in_use.push_back(key);
  }
  for (const WarmServer& server : agent.warm) {
    if (std::find(out.idle.begin(), out.idle.end(), server.key) == out.idle.end())
      out.idle.push_back(server.key);
  }
  out.order = agent.order;
  out.free = can_take(state, agent, 0) || can_take(state, agent, 1);
  return out;
}

void index(State& state, const AgentStatus& agent) {
  state.roster.set(agent.info.id, entry_of(state, agent));
  state.servers.set(agent.info.id, servers_of(state, agent));
}

}  // namespace

Servers derived_servers(const State& state) {
  Servers servers(static_cast<int>(state.key_walls.size()));
  for (const Place& place : state.pending)
    servers.queue(point_at(state, place.second).key, place, true);
  for (const auto& [id, agent] : state.agents)
    servers.set(id, servers_of(state, agent));
  return servers;
}

Roster derived_roster(const State& state) {
  Roster roster;
  for (const auto& [id, agent] : state.agents)
    roster.set(id, entry_of(state, agent));
  return roster;
}

void index_agent(State& state, const std::string& agent) {
  const AgentStatus& changed = state.agents.at(agent);
  index(state, changed);
  // Leases of one agent can make the others on its node spares.
  if (state.roster.on_node(changed.info.node).size() > 1) index_node(state, changed.info.node);
}

void index_node(State& state, const std::string& node) {
  for (const std::string& agent : std::set<std::string>(state.roster.on_node(node)))
    index(state, state.agents.at(agent));
}

std::optional<Instant> silence_deadline(const State& state) {
  const auto& by_time = state.roster.by_last_seen();
  if (by_time.empty()) return std::nullopt;
  const Millis limit = state.settings.agent_timeout;
  const Instant first = by_time.begin()->first, last = by_time.rbegin()->first;
  // Agents of a suspended job do not fall silent at the same moment, but within one heartbeat.
  const bool others_heard = last - first >= limit / 2;
  return first + (others_heard ? limit : std::max(limit, state.settings.last_agent_timeout));
}

std::optional<Instant> all_silent_at(const State& state) {
  const auto& by_time = state.roster.by_last_seen();
  if (by_time.empty() || state.phase == Phase::Closed) return std::nullopt;
  return by_time.rbegin()->first + state.settings.agent_timeout;
}

std::optional<Instant> next_deadline(const State& state, Instant now) {
  if (state.phase == Phase::Closed) return std::nullopt;
  std::optional<Instant> next = earlier(state.stop_deadline, silence_deadline(state));
  if (state.phase == Phase::Running && state.first_join && !joining_is_over(state, now)) {
    next = earlier(next, *state.first_join + state.settings.join_timeout);
  }
  const bool any_unanswered = std::any_of(state.job_end_answered.begin(), state.job_end_answered.end(),
                                          [](const auto& job) { return !job.second; });
  if (state.phase == Phase::Running && any_unanswered && now < job_end_deadline(state))
    next = earlier(next, job_end_deadline(state));
  return next;
}

}  // namespace sweep::core
