// The benchmarks that one simulated agent has started: what they print, how they end, what they leave.
//
// Rules: the news of an attempt come in the order in which the real driver tells them; nothing is told of
// what the agent's own end took with it.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "agent/core/actions.hpp"
#include "tests/sim/exclusivity.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

class Processes {
 public:
  using Report = std::function<void(agent::Input)>;
  Processes(Simulation& sim, Node& node, Report tell) : sim_(sim), node_(node), report_(std::move(tell)) {}

  void prepare(const agent::Prepare& what);
  void start(const agent::Spawn& what, const wire::Lease& lease);
  void signal(const agent::SignalGroup& what);
  /// Whether any is left that could be ended.
  bool any_left(const wire::AttemptRef& ref) const;
  /// Those that run and can be ended.
  std::vector<GpuUser> gpu_users() const;
  /// The agent's end: nothing more is told.
  void forget() { running_.clear(); }

 private:
  enum class Leaves { Result, Nothing, Empty, Rubbish };
  struct Process {
    std::uint64_t serial = 0;
    int gpus = 0;
    int port = 0;
    std::string devices, path;
    bool is_client = false;      // of a server
    bool leads = true;           // its first process lives
    bool ignores_term = false;   // all of it
    bool cannot_die = false;     // not even by SIGKILL
    bool leaves_others = false;  // that live on until they are signalled
    int exit_code = 0;
    Leaves leaves = Leaves::Result;
  };

  Process random_process(const wire::Lease& lease);
  void plan(const wire::AttemptRef& ref, const Process& process);
  void later(const wire::AttemptRef& ref, std::uint64_t serial, Millis after,
             std::function<void(Process&)> what);
  void end_leader(const wire::AttemptRef& ref, Process& process, agent::Ended how);
  void end_group(const wire::AttemptRef& ref);
  void leave(const wire::AttemptRef& ref, const Process& process);

  Simulation& sim_;
  Node& node_;
  Report report_;
  std::map<Key, Process> running_;
  std::map<Key, std::string> paths_;
  std::uint64_t serials_ = 0, ports_ = 0;
};

}  // namespace sweep::sim
