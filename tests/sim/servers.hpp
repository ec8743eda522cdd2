// The servers of recipes that one simulated agent has started: how they load, answer, and end.
//
// Rules: as of Processes. A client is let to a server only when that one was ready, is of its key, and where
// it has a way to be reset, has been since its last client.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "tests/sim/exclusivity.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

/// What a lease says of the server of this key.
wire::ServerSpec server_spec(const std::string& key, const Scenario& scenario);

class Servers {
 public:
  using Report = std::function<void(agent::Input)>;
  Servers(Simulation& sim, Report tell) : sim_(sim), report_(std::move(tell)) {}

  void start(const agent::Spawn& what);
  void signal(const agent::SignalGroup& what);
  void ask(const agent::Ask& what);
  /// A client of this key begins at this port.
  void serve(const wire::AttemptRef& client, int port, const std::string& key);
  /// Those that run and can be ended.
  std::vector<GpuUser> gpu_users() const;
  /// The agent's end: nothing more is told.
  void forget();

 private:
  struct Server {
    std::uint64_t serial = 0;
    int port = 0;
    std::string devices;
    bool leads = true, ready = false;
    bool ignores_term = false, cannot_die = false, unresponsive = false;
  };
  /// What stays known of one that has ended: news of it may still be under way to the agent.
  struct Past {
    std::string key;
    bool was_ready = false, served = false;
    bool used = false;  // since it was reset
  };

  void plan(const wire::AttemptRef& ref, const Server& server);
  void answer(const agent::Ask& what);
  int status_of(const agent::Ask& what);
  void end(const wire::AttemptRef& ref, Server& server, agent::Ended how);
  void later(const wire::AttemptRef& ref, std::uint64_t serial, Millis after,
             std::function<void(Server&)> what);

  Simulation& sim_;
  Report report_;
  std::map<int, Server> running_;  // by number
  std::map<int, Past> past_;       // by port
  std::map<int, int> asked_;       // the last question to each
  std::uint64_t serials_ = 0, generation_ = 0;
};

}  // namespace sweep::sim
