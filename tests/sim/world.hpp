// A whole sweep over all its sessions: nodes, jobs, agents, controllers, and what happens to them.
//
// Rules: everything follows from one seed. First sessions have the seed's scenario; then calm ones follow, on
// all nodes, until nothing is left to do: what is still open then, or lost, or done twice, is a broken
// promise.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/sim_agent.hpp"
#include "tests/sim/sim_controller.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

/// What the scenario of a seed led to: to see that it was bad enough.
struct Tally {
  std::uint64_t steps = 0;
  int sessions = 0, crashes = 0, recoveries = 0, deaths = 0, returns = 0, lost = 0, late = 0, spooled = 0;
  int quarantines = 0, done = 0, failed = 0, withdrawn = 0, servers = 0, warm = 0;

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
  void bring_back();
  Millis random_offset();

  // jobs and agents
  void start_job();
  void start_agent(Node& node, int task, int tasks, const std::string& job, std::optional<Instant> job_ends);
  void start_again(const SimAgent& dead);
  void end_job(Millis grace);
  void watch_srun();
  int free_slot(const Node& node) const;

  // calamities
  void schedule_faults();
  void inject_fault();
  SimAgent* random_agent();

  bool is_faultless() const { return session_ > sim_.scenario.faulty_sessions; }

  Simulation sim_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<SimAgent>> agents_;
  SimController controller_;
  core::Settings settings_;
  std::vector<core::PointSpec> points_;  // all that ever were
  int session_ = 0, job_ = 11;
  int to_start_ = 0;  // tasks of this job
  bool finished_ = false, listening_ = false, in_session_ = false;
  Instant session_began_{};
  std::int64_t pids_ = 100;
  Tally tally_;
};

}  // namespace sweep::sim
