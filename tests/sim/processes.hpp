// The benchmark processes that one simulated agent has started: their output, ends and result files.
//
// Rules: the inputs about an attempt come in the same order as from the real driver. After the agent has
// ended, nothing is reported about processes that ended with it.
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
  Processes(Simulation& sim, Node& node, Report report)
      : sim_(sim), node_(node), report_(std::move(report)) {}

  void prepare(const agent::Prepare& what);
  void start(const agent::Spawn& what, const wire::Lease& lease);
  void signal(const agent::SignalGroup& what);
  /// True if a process of the attempt is left that can be killed.
  bool any_left(const wire::AttemptRef& ref) const;
  /// Returns the running processes that can be killed.
  std::vector<GpuUser> gpu_users() const;
  /// Drops all processes because the agent has ended; nothing more is reported.
  void forget() { running_.clear(); }

 private:
  enum class Leaves { Result, Nothing, Empty, Rubbish };
  struct Process {
    std::uint64_t serial = 0;
    int gpus = 0;
    int port = 0;
    std::string devices, path;
    bool is_client = false;      // of a server that the agent started
    bool leads = true;           // its first process is running
    bool ignores_term = false;   // all its processes ignore SIGTERM
    bool cannot_die = false;     // not even by SIGKILL
    bool leaves_others = false;  // child processes that run until they are signalled
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
