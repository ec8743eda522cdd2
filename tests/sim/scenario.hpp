// What one seed's sweep is like: its points and nodes, and how often what goes wrong.
#pragma once

#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "proto/wire/messages.hpp"
#include "tests/sim/random.hpp"

namespace sweep::sim {

/// Chances per mille, but where it says otherwise.
struct FaultRates {
  int crash = 0;        // of the controller: per round, spread over its places
  int abandon = 0;      // per crash: nobody starts it again
  int die = 0;          // of an agent: per action
  int cut = 0;          // of a connection: per message
  int doubled = 0;      // per message
  int disk_full = 0;    // per commit: from now on, for a while
  int fails = 0;        // per attempt: of the benchmark
  int broken_node = 0;  // per attempt: of the machine
  Millis fault_interval{0};   // about how often something happens to agents, jobs, the network; 0: never
  int stopped = 0;      // per session: somebody presses ctrl-c
  int job_ends = 0;     // per session: Slurm ends the job while it works
};

struct NodeSpec {
  std::string name;
  int gpus = 0;
};

struct Scenario {
  core::Settings settings;
  std::vector<core::PointSpec> points;
  std::vector<NodeSpec> nodes;
  FaultRates faults;                // of the first sessions
  int faulty_sessions = 0;             // how many; calm ones follow until all is done
  wire::Welcome welcome;      // but for the sweep's name
  int heartbeats = 3;         // within the time after which an agent is gone
  Millis longest{0};          // of a benchmark that ends by itself
  wire::Timeouts timeouts;    // of every lease
  bool changes = false;       // resumes come with another matrix and profile
  bool shared_spool = false;  // its locks do not work
  bool clock_jumps = false;         // controllers come back with another time
  bool recipes = false;       // points with a key have servers; else what the core believes is never true
  int always_failing_percent = 0;             // percent of the points that fail whatever is done
};

/// The scenario of a seed.
Scenario random_scenario(Random& random);

/// Whether what runs under this lease is the client of a server that its agent starts.
bool is_client(const wire::Lease& lease, const Scenario& scenario);

/// Other settings, as a changed profile makes them.
core::Settings random_settings(Random& random);

}  // namespace sweep::sim
