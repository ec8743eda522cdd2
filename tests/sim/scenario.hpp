// The scenario of one seed: points, nodes, settings, and how often each fault occurs.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "proto/wire/messages.hpp"
#include "tests/sim/random.hpp"

namespace sweep::sim {

/// Probabilities in per mille, unless stated otherwise.
struct FaultRates {
  int crash = 0;             // of the controller, per round: distributed over the places where it can crash
  int abandon = 0;           // of the controller, per crash: it is not restarted
  int die = 0;               // of an agent, per action
  int cut = 0;               // of a connection, per message
  int doubled = 0;           // of a message: it arrives twice
  int disk_full = 0;         // per commit: the disk is full for a while
  int fails = 0;             // of the benchmark, per attempt
  int broken_node = 0;       // of the node, per attempt
  Millis fault_interval{0};  // mean interval of faults of agents, jobs and network; 0: never
  int stopped = 0;           // per session: the user presses Ctrl-C
  int job_ends = 0;          // per session: Slurm ends the job
};

struct NodeSpec {
  std::string name;
  int gpus = 0;
};

struct Scenario {
  core::Settings settings;
  std::vector<core::PointSpec> points;
  std::vector<NodeSpec> nodes;
  FaultRates faults;              // in the first sessions
  int faulty_sessions = 0;        // number of sessions with faults; sessions without follow until all is done
  bool shared_directory = false;  // all agents work in one directory
  wire::Welcome welcome;          // sent to agents; packing and heartbeat interval come from the settings
  int heartbeats = 3;             // per agent_timeout
  Millis longest{0};              // duration of the longest benchmark that ends by itself
  wire::Timeouts timeouts;        // of every lease
  bool changes = false;           // resumes may change matrix and profile
  bool shared_spool = false;      // the spool's locks do not work
  bool clock_jumps = false;       // restarted controllers may have a different time
  bool recipes = false;  // points with a key have servers; if false, the core's warm servers never exist
  int always_failing_percent = 0;  // percentage of points whose attempts all fail
};

/// Returns the scenario of a seed.
Scenario random_scenario(Random& random);

/// True if the lease's benchmark is the client of a server that the agent starts.
bool is_client(const wire::Lease& lease, const Scenario& scenario);

/// True if the benchmark of the point is evaluated after it, if it has a server of the agent.
bool is_evaluated(const std::string& point);

/// Returns random settings, also for a resume with a changed profile.
core::Settings random_settings(Random& random);

}  // namespace sweep::sim
