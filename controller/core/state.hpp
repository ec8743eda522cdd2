// The state of a sweep as a value: points, their attempts, and the agents that run them.
//
// Rules: State changes only through apply() (apply.hpp), both live and in replay, and through mark_seen()
// (decide.hpp). Derived members (pending queue, counts, Roster, Servers) are kept up to date by
// set_point_state() and index_agent(); check_invariants() (invariants.hpp) verifies them. No clock, socket or
// file is used here.
//
// A session is the time that one controller, or one supervisor with its restarted controllers, works on a
// sweep. The first session begins with the sweep, each further one with a resume. Agents belong to a session;
// points and their attempts belong to the sweep.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "controller/core/gang_layout.hpp"
#include "controller/core/median.hpp"
#include "controller/core/roster.hpp"
#include "controller/core/servers.hpp"
#include "proto/base/account.hpp"
#include "proto/base/outcome.hpp"
#include "proto/wire/messages.hpp"
#include "util/interned_string.hpp"
#include "util/time.hpp"

namespace sweep::core {

using wire::AttemptRef;

/// Settings of the whole sweep.
struct Settings {
  bool pack_gpus = false;          // several attempts per node on disjoint GPUs
  int infrastructure_retries = 2;  // retries after failures of node, agent or connection
  int benchmark_retries = 0;       // retries after failures of the benchmark itself
  int invalid_retries = 0;         // retries after results that are not valid
  Millis agent_timeout{45'000};    // an agent is considered lost after this much silence
  Millis last_agent_timeout{
      600'000};                 // the same if no other agent was heard meanwhile; at least agent_timeout
  Millis join_timeout{60'000};  // time for the other agents to join after the first one has joined
  bool strict = true;           // agents exit with status 3 if a done point's result is not valid
  int node_failures = 3;        // consecutive infrastructure failures that quarantine a node; 0: never
  bool one_benchmark = false;   // every point runs the same program
  Millis expected{0};           // expected duration of a point until one of its kind was measured; 0: unknown
  Millis margin{0};             // time to reserve before the job's end in addition to an attempt's duration
};

/// The properties of a point that scheduling depends on.
struct PointSpec {
  std::string id;
  int gpus = 0;                // required on one node; 0: needs no GPU
  InternedString kind = {};    // points of the same kind are expected to take about equally long
  InternedString server = {};  // key of its server; empty: a script, which starts its own server
  InternedString runner = {};  // the runner that its node must serve; empty: any node
  std::shared_ptr<const GangSpec> gang =
      {};  // the servers that it needs on several nodes; nullptr: one node runs it
};

/// Returns by how many GPUs a point comes in the queue, which begins with the largest demand: that on one node, and for a
/// gang that of all nodes and more than any node has.
int demand(const PointSpec& spec);

/// Withdrawn: removed from the sweep by a resume with a changed matrix. Its results stay in the journal.
enum class PointState { Pending, Leased, Running, Done, Failed, Cancelled, Withdrawn };
inline constexpr std::size_t kPointStates = 7;
/// Returns the state's name in journal and status: "pending", "leased", …
std::string_view state_word(PointState state);

/// An agent that runs one node of a gang.
struct GangMember {
  std::string agent;
  int gpus = 0;
  bool ended = false;  // its processes of the attempt have ended, or were left to the agent as idle servers
  friend bool operator==(const GangMember&, const GangMember&) = default;
};

struct Attempt {
  enum class State {
    Leased,   // the lease is sent (or will be, after the commit)
    Running,  // the agent has started it
    Sending,  // its processes have ended with a result, and its GPUs are free; the agent sends its files
    Lost,     // written off because its agent is gone; the agent may still report its end
    Ended,
  };
  std::string agent, node;          // of a gang: of the client
  std::vector<GangMember> members;  // of a gang, by node of its layout; empty: not a gang
  State state = State::Leased;
  Instant leased{};
  std::optional<Instant> started, ended;
  std::int64_t pid = 0;
  InternedString directory;  // identifies its working directory; empty: unknown
  bool shared = false;       // another attempt has run in that directory at the same time
  std::optional<Outcome> outcome;
  Millis wall{0};                    // of the benchmark's process, measured by the agent
  bool accepted = false;             // its result is the point's result
  Account account;                   // durations of its phases, servers, telemetry, origin
  std::vector<std::string> invalid;  // why its result is not valid; empty: the result is valid
};

struct PointStatus {
  PointSpec spec;
  int key = -1;  // number of spec.server in Servers; -1: no server
  PointState state = PointState::Pending;
  std::vector<Attempt> attempts;  // attempt n is attempts[n - 1]
  int infrastructure_failures = 0, benchmark_failures = 0;
  int invalid_results = 0;          // that led to a retry, or would have if retries were left
  std::set<std::string> bad_nodes;  // on which an attempt of this point failed because of infrastructure
  std::string reason;               // why it failed or was cancelled, one line
};

/// What is known of an agent's hardware when it is ready.
struct Hardware {
  std::string gpus;     // models in lower case, separated by commas: "h200"; empty: unknown
  std::string from;     // where they are known from: "nvml" or "gres"; empty: unknown
  bool mapped = false;  // the profile's `runners` say which nodes have which hardware
  friend bool operator==(const Hardware&, const Hardware&) = default;
};

struct AgentInfo {
  std::string id, node, job, step;
  int task = 0, tasks = 1;
  std::vector<std::string> gpus;
  std::int64_t pid = 0;
  std::vector<std::string> command = {};  // run for each point; empty: the command of the lease
};

/// A server that no attempt is using.
struct WarmServer {
  int key = -1;
  int gpus = 0;
  friend bool operator==(const WarmServer&, const WarmServer&) = default;
};

struct AgentStatus {
  AgentInfo info;
  int order = 0;                                     // join sequence number, from 0
  int session = 0;                                   // the last session in which it took part
  bool ready = false;                                // has sent Ready
  bool leaving = false;                              // Slurm is ending it: it gets no work
  std::optional<std::set<std::string>> serves = {};  // runners that its node serves; nullopt: all
  Hardware hardware = {};
  bool gone = false;
  std::string gone_reason;  // why it is gone or leaving
  // (point index, attempt number) of attempts that have not ended on it; of gangs those of which it is a member
  std::set<std::pair<int, int>> held;
  int gpus_held = 0;
  std::set<std::pair<int, int>>
      sending;                    // the same for attempts that have ended and whose files it still sends
  InternedString directory = {};  // in which its last attempt ran; empty: unknown
  std::vector<WarmServer> warm;   // servers that are probably running on it, most recently used first
  Instant last_seen{};            // not in the journal
};

/// A node's record of infrastructure failures in this session.
struct NodeStatus {
  int failures = 0;         // since the node last delivered a result
  std::string last_reason;  // of the last failure
  std::string quarantine;   // why it gets no more work; empty: not quarantined
};

/// The points of this session that failed because their benchmark could not be started.
struct StartFailures {
  int points = 0;
  std::string reason;   // of the first one
  bool others = false;  // an attempt ended in another way, or for another reason
  friend bool operator==(const StartFailures&, const StartFailures&) = default;
};

/// Attempts (point index, number) by working directory (directories.hpp).
struct Directories {
  using Places = std::set<std::pair<int, int>>;
  std::map<std::string, Places> running;  // held and started there
  // Leased, but not known to have started, when another attempt left the directory. "": any directory.
  std::map<std::string, Places> left_meanwhile;
};

/// Failed starts of a key's server in this session, since one of its servers was last ready (server_starts.hpp).
struct FailedStarts {
  int count = 0;
  std::set<std::string> nodes;
  std::string reason;  // of the last one
};

enum class Phase { Running, Stopping, Closed };

struct State {
  Settings settings;
  std::vector<PointStatus> points;  // in matrix order
  std::unordered_map<std::string, int> index_of;
  std::map<std::string, AgentStatus> agents;
  std::map<std::string, NodeStatus> nodes;
  std::map<int, FailedStarts> failed_starts;  // by server key; a key whose servers start has no entry
  std::map<std::string, Instant> job_ends;    // by job: when Slurm ends it, if known
  // By job: true if its first task, which asks Slurm when the job ends, is ready or gone.
  std::map<std::string, bool> job_end_answered;
  std::map<std::string, RunningMedian> walls;  // durations of accepted results without server start, by kind
  std::vector<RunningMedian> key_walls;        // the same by server key
  RunningMedian server_starts;                 // durations of server starts
  Roster roster;                               // derived
  Servers servers;                             // derived
  Phase phase = Phase::Running;
  int session = 0;
  std::optional<Instant> resumed;             // when this session began; nullopt in the first session
  int joins = 0;                              // number of AgentJoined events so far
  int announced = 0;                          // largest number of tasks of a step of this session
  std::set<std::string> nodes_to_quarantine;  // derived
  StartFailures start_failures;
  Directories directories;               // derived
  std::string end_reason;                // why the sweep was stopped, or closed before it was complete
  std::optional<Instant> first_join;     // of this session
  std::optional<Instant> stop_deadline;  // until when a stopping sweep waits for its agents
  std::set<Place> pending;               // pending points in the order of leasing
  // Derived: pending by runner; empty if no point names a runner.
  std::map<std::string, std::set<Place>> pending_of;
  // By runner: GPUs of the largest agent of this session that serves it.
  std::map<std::string, int> largest_of;
  std::array<int, kPointStates> counts{};

  int count(PointState state) const { return counts[static_cast<std::size_t>(state)]; }
};

/// Returns the state of a sweep that has just begun. Point ids must be distinct.
State make_state(const Settings& settings, const std::vector<PointSpec>& points);

/// Changes a point's state and updates queue and counts. Only for apply().
void set_point_state(State& state, int index, PointState to);

inline PointStatus& point_at(State& state, int index) {
  assert(index >= 0);
  return state.points[static_cast<std::size_t>(index)];
}
inline const PointStatus& point_at(const State& state, int index) {
  assert(index >= 0);
  return state.points[static_cast<std::size_t>(index)];
}

/// Returns attempt `number` (from 1) of the point, which must exist.
inline Attempt& attempt_at(PointStatus& point, int number) {
  assert(number >= 1 && static_cast<std::size_t>(number) <= point.attempts.size());
  return point.attempts[static_cast<std::size_t>(number - 1)];
}
inline const Attempt& attempt_at(const PointStatus& point, int number) {
  assert(number >= 1 && static_cast<std::size_t>(number) <= point.attempts.size());
  return point.attempts[static_cast<std::size_t>(number - 1)];
}

/// Returns the attempt that `ref` names; nullptr if there is none.
const Attempt* find_attempt(const State& state, const AttemptRef& ref);
/// Returns the index of the point with this id; -1 if there is none.
int find_point(const State& state, const std::string& id);

/// Returns how many of the agent's GPUs the attempt takes; 0 if the agent does not run it.
int gpus_on(const PointStatus& point, const Attempt& attempt, const std::string& agent);
/// Returns the member of a gang that the agent is; nullptr if it is none.
const GangMember* find_member(const Attempt& attempt, const std::string& agent);
/// True if the agent runs the attempt, or is a member of its gang.
bool runs(const Attempt& attempt, const std::string& agent);

/// True if the agent has attempts that have not ended.
inline bool is_busy(const AgentStatus& agent) {
  return !agent.held.empty() || !agent.sending.empty();
}

/// Returns the attempts (point index, number) that have not ended on the agent.
std::set<std::pair<int, int>> unfinished(const AgentStatus& agent);

/// True if the attempt was leased, and its processes are not known to have ended.
inline bool may_run(const Attempt& attempt) {
  return attempt.state == Attempt::State::Leased || attempt.state == Attempt::State::Running;
}

/// True if one of the point's attempts has its result.
bool has_result(const PointStatus& point);
/// True if the point has a result that is not valid. A valid result replaces it.
bool has_invalid_result(const PointStatus& point);
/// Returns why the point's result is not valid; empty if it is valid or there is none.
const std::vector<std::string>& invalid_reasons(const PointStatus& point);
/// Returns how many points are done with a result that is not valid. Takes time linear in the number of
/// points.
int invalid_points(const State& state);
/// Returns the number of points in the sweep; withdrawn points are not counted.
int total_points(const State& state);
/// True if all points (withdrawn ones excepted) are done.
bool complete(const State& state);
/// Returns the expected duration of the point: the median of its kind, or else settings.expected;
/// std::nullopt if neither is known.
std::optional<Millis> expected_wall(const State& state, const PointStatus& point);
/// True if the agent gets no work for now because the first task of its job has not yet reported when
/// the job ends.
bool waits_for_job_end(const State& state, const AgentStatus& agent, Instant now);
/// True if an idle server for the point is running on the agent.
bool is_warm(const AgentStatus& agent, const PointStatus& point);
/// True if an attempt that begins now is expected to end before the agent's job does, including the
/// start of its server if that is not running. False while waits_for_job_end().
bool ends_in_time(const State& state, const AgentStatus& agent, const PointStatus& point, Instant now);
/// True if the agent's node is quarantined.
bool is_quarantined(const State& state, const AgentStatus& agent);
/// True if the agent can get work in this session: it is not gone or leaving, and its node is not quarantined.
bool is_eligible(const State& state, const AgentStatus& agent);
/// True if the agent is a spare: another agent on its node has the same GPUs, or the node runs one
/// point at a time. The agent with the most GPUs takes precedence, then the first to join. A spare takes over
/// when that agent is gone; an agent that returns waits until the attempts started meanwhile have ended.
bool is_spare(const State& state, const AgentStatus& agent);
/// True if the agent's node serves the runner; always true for an empty runner.
bool serves(const AgentStatus& agent, const std::string& runner);
/// True if the agent could take an attempt on `gpus` GPUs now.
bool can_take(const State& state, const AgentStatus& agent, int gpus);
/// True if the agent took part in this session and is gone. (An agent of an earlier session may have
/// had the same name, if its job was requeued.)
bool is_gone(const State& state, const std::string& agent);
/// Returns how many agents are expected in this session: the largest number of tasks that an agent has
/// announced in Hello; 0 before the first one.
int announced_agents(const State& state);
/// True if the first points of this session failed because their benchmark could not be started, all for the
/// same reason, and no attempt ended in another way. As every point runs the same benchmark, the others would
/// fail, too.
bool first_points_failed_alike(const State& state);
/// True if all announced agents have joined, or join_timeout has passed since the first one joined.
bool joining_is_over(const State& state, Instant now);

/// Updates Roster and Servers for the agent and the other agents on its node. To be called after every change
/// to the data from which they are derived. Only for apply().
void index_agent(State& state, const std::string& agent);
/// Updates Roster and Servers for all agents of a node. Only for apply().
void index_node(State& state, const std::string& node);

/// Compute Roster and Servers anew from the rest of the state. For check_invariants().
Roster derived_roster(const State& state);
Servers derived_servers(const State& state);

/// Returns when the agent that has been silent for longest is considered lost: agent_timeout after its last
/// message, or last_agent_timeout if no other agent has sent one meanwhile. Then the whole job may be suspended
/// or the network down, and no other agent could take its work. std::nullopt without agents.
std::optional<Instant> silence_deadline(const State& state);
/// Returns when agent_timeout has passed since the last message of any agent; std::nullopt without agents, or if
/// the sweep is closed.
std::optional<Instant> all_silent_at(const State& state);

/// Returns when decide(Tick) next has something to do if no other command comes before. Tick must have been
/// decided at `now`.
std::optional<Instant> next_deadline(const State& state, Instant now);

}  // namespace sweep::core
