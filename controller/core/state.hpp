// The sweep as a value: points, their attempts, and the agents that run them.
//
// Rules: State changes only through apply() (events.hpp), live and in replay alike; what is derived (pending
// queue, counts, Roster, Servers) is kept in step by set_point_state() and index_agent(), and
// check_invariants() proves it. No clock, socket or file.
//
// A session is one controller's, or one supervisor's, time with a sweep: the first begins with the sweep,
// each further one with a resume. Agents belong to a session; points and their attempts to the sweep.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

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

/// What holds for the whole sweep.
struct Settings {
  bool pack_gpus = false;          // several attempts per node on disjoint GPUs
  int infrastructure_retries = 2;  // further tries after failures of node, agent or connection
  int benchmark_retries = 0;       // further tries after failures of the benchmark itself
  int invalid_retries = 0;         // further tries after results that are not valid
  Millis agent_timeout{45'000};    // an agent not heard of for so long is gone
  Millis join_timeout{60'000};     // after the first agent, how long the others may take to come
  int node_failures = 3;           // infrastructure failures in a row that quarantine a node; 0: never
  Millis expected{0};              // how long a point is taken to last before one like it has; 0: not known
  Millis margin{0};                // what an attempt needs beside its wall time before its job ends
};

/// What the core has to know of a point.
struct PointSpec {
  std::string id;
  int gpus = 0;              // on one node; 0: needs none
  InternedString kind = {};  // points of one kind are alike: they are expected to take about as long
  InternedString server =
      {};  // key of the server that it runs against; empty: a script, which starts its own
  InternedString runner = {};  // what its node must serve; empty: any node does
};

/// Withdrawn: a resume with a changed matrix has taken it out. Its results stay in the journal.
enum class PointState { Pending, Leased, Running, Done, Failed, Cancelled, Withdrawn };
inline constexpr std::size_t kPointStates = 7;
/// "pending", "leased", …
std::string_view state_word(PointState state);

struct Attempt {
  enum class State {
    Leased,   // the agent was told
    Running,  // the agent started it
    Lost,     // written off; its agent may yet report
    Ended,
  };
  std::string agent, node;
  State state = State::Leased;
  Instant leased{};
  std::optional<Instant> started, ended;
  std::int64_t pid = 0;
  std::optional<Outcome> outcome;
  Millis wall{0};                    // of the benchmark's process, as the agent measured it
  bool accepted = false;             // its result is the point's result
  Account account;                   // where the time went
  std::vector<std::string> invalid;  // why its result is not valid; empty: it is
};

struct PointStatus {
  PointSpec spec;
  int key = -1;  // of spec.server, as Servers counts them
  PointState state = PointState::Pending;
  std::vector<Attempt> attempts;  // attempt n is attempts[n - 1]
  int infrastructure_failures = 0, benchmark_failures = 0;
  int invalid_results = 0;          // that the point was tried again for, or could have been
  std::set<std::string> bad_nodes;  // where infrastructure failed under it
  std::string reason;               // why it failed or was cancelled, one line
};

struct AgentInfo {
  std::string id, node, job, step;
  int task = 0, tasks = 1;
  std::vector<std::string> gpus;
  std::int64_t pid = 0;
  std::vector<std::string> command = {};  // that it runs per point; empty: what its lease says
};

/// A server that no attempt has.
struct WarmServer {
  int key = -1;
  int gpus = 0;
  friend bool operator==(const WarmServer&, const WarmServer&) = default;
};

struct AgentStatus {
  AgentInfo info;
  int order = 0;                                     // the how many-eth to join
  int session = 0;                                   // in which it last took part
  bool ready = false;                                // has asked for work
  bool leaving = false;                              // has been told by Slurm to end: gets no work
  std::optional<std::set<std::string>> serves = {};  // runners; nothing: all of them
  bool gone = false;
  std::string gone_reason;             // or why it leaves
  std::set<std::pair<int, int>> held;  // (point index, attempt number) not yet ended on it
  int gpus_held = 0;
  std::vector<WarmServer> warm;  // that it is likely to have, the last used first
  Instant last_seen{};           // not in the journal
};

/// How far a node can be relied on, in this session.
struct NodeStatus {
  int failures = 0;         // of infrastructure, since a result last came from it
  std::string last_reason;  // of the last
  std::string quarantine;   // why it gets no more work; empty: it does
};

enum class Phase { Running, Stopping, Closed };

struct State {
  Settings settings;
  std::vector<PointStatus> points;  // in matrix order
  std::unordered_map<std::string, int> index_of;
  std::map<std::string, AgentStatus> agents;
  std::map<std::string, NodeStatus> nodes;
  std::map<std::string, Instant> job_ends;     // when Slurm ends a job, where it is known
  std::map<std::string, bool> answered_jobs;   // whether the first task, which asks Slurm, is ready or gone
  std::map<std::string, RunningMedian> walls;  // of the results that count, by kind of point
  RunningMedian server_starts;                 // what it cost to have a server that was not there
  std::vector<RunningMedian> key_walls;        // of points of one key, without that
  Roster roster;                               // derived
  Servers servers;                             // derived
  Phase phase = Phase::Running;
  int session = 0;
  std::optional<Instant> resumed;  // when this session began, if it is not the first
  int joins = 0;                   // how many agents have joined so far, returns not counted
  int announced = 0;               // the most tasks that a step of this session has
  std::set<std::string> suspects;  // nodes that are to be quarantined. Derived
  std::string end_reason;          // why it was stopped or closed short of complete
  std::optional<Instant> first_join;
  std::optional<Instant> stop_deadline;  // until when a stopping sweep waits for its agents
  std::set<Place> pending;               // the order of leasing
  std::map<std::string, std::set<Place>>
      pending_of;  // the same by runner, where any point names one. Derived
  std::map<std::string, int>
      largest_of;  // by runner: the most GPUs that an agent of this session has that serves it
  std::array<int, kPointStates> counts{};

  int count(PointState state) const { return counts[static_cast<std::size_t>(state)]; }
};

/// A sweep in which nothing has happened. Point ids must be distinct.
State make_state(const Settings& settings, const std::vector<PointSpec>& points);

/// Moves a point and keeps queue and counts in step. For apply() alone.
void set_point_state(State& state, int index, PointState to);

/// The attempt that `ref` names; nullptr when there is none.
const Attempt* find_attempt(const State& state, const AttemptRef& ref);
/// The index of a point; -1 when there is none of that id.
int find_point(const State& state, const std::string& id);

/// Whether one of its attempts has the point's result.
bool has_result(const PointStatus& point);
/// Whether it has one that is not valid: better than none, and worse than a valid one.
bool has_doubtful_result(const PointStatus& point);
/// How many points the sweep has: those that were withdrawn do not count.
int wanted(const State& state);
/// Whether every one of them is done.
bool complete(const State& state);
/// How long the point is expected to take: the median of like points, else what the settings say. Nothing
/// where neither is known.
std::optional<Millis> expected_wall(const State& state, const PointStatus& point);
/// Whether the agent gets no work for a moment: the first task of its job has yet to say when the job ends.
bool waits_for_job_end(const State& state, const AgentStatus& agent, Instant now);
/// Whether the agent has a server for the point that nobody uses.
bool is_warm(const AgentStatus& agent, const PointStatus& point);
/// Whether an attempt that begins now is expected to end before the agent's job does, with the start of a
/// server that it has not. Not while it waits to hear when that is.
bool ends_in_time(const State& state, const AgentStatus& agent, const PointStatus& point, Instant now);
/// Whether the agent's node gets no more work.
bool is_quarantined(const State& state, const AgentStatus& agent);
/// Whether an agent waits in the second row: another one on its node has the same GPUs, or the node takes one
/// point at a time. In the first row stands the one with the most GPUs, else the first to join. The second
/// steps forward when the first is gone, and a first one that comes back waits for what was started
/// meanwhile.
bool is_spare(const State& state, const AgentStatus& agent);
/// Whether the agent's node serves a runner; empty: it is one that any node serves.
bool serves(const AgentStatus& agent, const std::string& runner);
/// Whether the agent could take an attempt on `gpus` GPUs now.
bool can_take(const State& state, const AgentStatus& agent, int gpus);
/// Whether the agent took part in this session and is gone. One of an earlier session may have had its name:
/// a job that was requeued.
bool is_gone(const State& state, const std::string& agent);
/// How many agents their steps have, as those that came in this session say: 0 before the first.
int announced_agents(const State& state);
/// Whether all agents that were announced have come, or have had the time to.
bool crew_is_known(const State& state, Instant now);

/// Brings the roster up to date about an agent and the others on its node, after every change to what it is
/// derived from. For apply() alone.
void index_agent(State& state, const std::string& agent);
/// The same about all agents of a node.
void index_node(State& state, const std::string& node);

/// What follows from the rest of the state. For check_invariants().
Roster derived_roster(const State& state);
Servers derived_servers(const State& state);

/// When decide(Tick) has something to do next, if nothing else happens before and Tick was decided at `now`.
std::optional<Instant> next_deadline(const State& state, Instant now);

/// What is wrong with the state by its own rules; empty when it is sound. For tests, and after each replay.
std::vector<std::string> check_invariants(const State& state);

}  // namespace sweep::core
