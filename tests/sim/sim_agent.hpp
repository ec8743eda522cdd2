// An agent of a simulated sweep: the real state machine on a simulated node.
//
// Rules: it performs the same actions as agent/io/driver.cpp, and may die between any two of them. While it
// is frozen no input reaches it; afterwards signals come first, then inputs about processes, then those about
// the connection, then messages, then the clock, as in the real event loop.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "agent/core/agent.hpp"
#include "tests/sim/link.hpp"
#include "tests/sim/processes.hpp"
#include "tests/sim/servers.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

class SimAgent {
 public:
  struct Plan {
    std::string name, job;
    int session = 0, task = 0, tasks = 1, slot = 0;
    std::int64_t pid = 0;
    std::optional<Instant> job_ends;
    bool asks_job_end = false;
  };
  SimAgent(Simulation& sim, Node& node, Plan plan, Link::Ends ends);

  void boot();
  void signal(int number) { post(agent::Signalled{number}); }
  /// Kills the agent and its benchmarks at once, as kill -9 or a power failure of the node does.
  void die();
  void freeze(Millis time);

  const std::string& name() const { return plan_.name; }
  const Plan& plan() const { return plan_; }
  const Node& node() const { return node_; }
  bool alive() const { return alive_; }
  Link& link() { return link_; }

 private:
  Instant clock() const { return sim_.now + offset_; }
  agent::Setup setup() const;
  void post(agent::Input input);
  void receive(const Frames& frames);
  void thaw();
  void note_pause();
  void note_input(const agent::Input& input);
  void work();
  void arm();
  void end(bool in_order);
  std::string directory() const;
  void begin_writing(const Key& ref);
  void end_writing(const Key& ref) { sim_.writing[writers()].erase(ref); }
  /// Agents of earlier sessions are taken to be gone.
  std::string writers() const { return directory() + " in session " + std::to_string(plan_.session); }
  void check_spawn(const agent::Spawn& what) const;

  void perform(agent::Send& what);
  void perform(agent::Prepare& what);
  void perform(agent::Spawn& what);
  void perform(agent::AskJobEnd&) { inputs_.emplace_back(agent::JobEndKnown{plan_.job_ends}); }
  void perform(agent::AskNode&) { inputs_.emplace_back(agent::NodeKnown{}); }
  void perform(agent::Stage&) {}  // the simulation has no containers
  void perform(agent::StopStaging&) {}
  void perform(agent::SignalGroup& what);
  void perform(agent::AskServer& what);
  void perform(agent::ReadResult& what);
  void perform(agent::KeepGpuSamples&) {}  // the simulation has no samples of GPUs
  void perform(agent::LeaveGpuMetrics&) {}
  void perform(agent::DropGpuSamples&) {}
  void perform(agent::CollectFiles& what);
  void perform(agent::StopCollecting& what);
  void perform(agent::ReadPiece& what);
  void perform(agent::RemoveFolder&) {}
  void perform(agent::OpenSpool& what);
  void perform(agent::SpoolResult& what);
  void perform(agent::DropSpooled& what);
  void perform(agent::PauseOutput&) {}
  void perform(agent::RemoveFile& what);
  void perform(agent::Warn& what);
  void perform(agent::Exit& what);

  Simulation& sim_;
  Node& node_;
  Plan plan_;
  Link link_;
  Processes processes_;
  Servers servers_;
  std::unique_ptr<agent::Agent> core_;
  Millis offset_{0};  // of its clock from sim_.now
  bool alive_ = false, frozen_ = false, working_ = false, pack_ = false;
  std::deque<agent::Input> inputs_, held_;
  std::map<Key, wire::Lease> leases_;
  std::map<Key, bool> unsettled_;  // finished attempts without Settled; true: with a result
  std::set<Key> adopted_, writing_;
  std::optional<Instant> armed_;
};

}  // namespace sweep::sim
