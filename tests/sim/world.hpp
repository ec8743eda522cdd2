// A whole simulated sweep with all its sessions: nodes, jobs, agents, controllers, and faults.
//
// Rules: everything depends on one seed only. The first sessions have the faults of the seed's scenario. They
// are followed by sessions without faults on all nodes, until nothing is left to do. It is a violation if a
// point is then still open or lost, or was done twice.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/sim_agent.hpp"
#include "tests/sim/sim_controller.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

/// Counts of what happened, to verify that enough faults occurred.
struct Tally {
  std::uint64_t steps = 0;
  int sessions = 0, crashes = 0, recoveries = 0, deaths = 0, returns = 0, lost = 0, late = 0, spooled = 0;
  int quarantines = 0, done = 0, failed = 0, withdrawn = 0, suspensions = 0, servers = 0, warm = 0;

  void add(const Tally& other);
  std::string text() const;
};

class World {
 public:
  World(std::uint64_t seed, std::size_t traced, InjectedBug injected);
  /// Throws Violation.
  void run();

  Tally tally() const;
  std::string trace() const { return sim_.trace.text(); }

 private:
  // sessions
  void start_session();
  bool open_session();
  ResumeInput random_resume();
  void end_session();
  void schedule_next();
  void check_end() const;

  // controllers
  void controller_crashed();
  void restart_controller();
  Millis random_offset();

  // jobs and agents
  void start_job();
  void start_agent(Node& node, int task, int tasks, const std::string& job, std::optional<Instant> job_ends);
  void restart_agent(const SimAgent& ended);
  void end_job(Millis grace);
  void watch_srun();
  int free_slot(const Node& node) const;

  // faults
  void schedule_faults();
  void inject_fault();
  SimAgent* random_agent();

  bool is_faultless() const { return session_ > sim_.scenario.faulty_sessions; }

  Simulation sim_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<SimAgent>> agents_;
  SimController controller_;
  core::Settings settings_;
  std::vector<core::PointSpec> points_;  // including withdrawn ones
  int session_ = 0, job_ = 11;
  int to_start_ = 0;  // tasks of this job that have not started yet
  bool finished_ = false, listening_ = false, in_session_ = false;
  Instant session_began_{};
  std::int64_t pids_ = 100;
  Tally tally_;
};

}  // namespace sweep::sim
