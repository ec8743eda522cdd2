// The servers of recipes that one simulated agent has started: how they load, answer requests, and end.
//
// Rules: those of Processes. Checks that a client is started only if its server was ready, has the client's
// key and, if its recipe has a reset URL, was reset after the previous client.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "tests/sim/exclusivity.hpp"
#include "tests/sim/simulation.hpp"

namespace sweep::sim {

/// Returns the server part of a lease for this key.
wire::ServerSpec server_spec(const std::string& key, const Scenario& scenario);

class Servers {
 public:
  using Report = std::function<void(agent::Input)>;
  Servers(Simulation& sim, Report report) : sim_(sim), report_(std::move(report)) {}

  void start(const agent::Spawn& what);
  void signal(const agent::SignalGroup& what);
  void ask(const agent::AskServer& what);
  /// Checks that a client with this key may start with the server at this port.
  void serve(const wire::AttemptRef& client, int port, const std::string& key);
  /// Returns the running servers that can be killed.
  std::vector<GpuUser> gpu_users() const;
  /// Drops all servers because the agent has ended; nothing more is reported.
  void forget();

 private:
  struct Server {
    std::uint64_t serial = 0;
    int port = 0;
    std::string devices;
    bool leads = true, ready = false;
    bool ignores_term = false, cannot_die = false, unresponsive = false;
  };
  /// The history of a server. It outlives the server, because its inputs may still be under way to the agent.
  struct Past {
    std::string key;
    bool was_ready = false, served = false;
    bool used = false;  // since it was reset
  };

  void plan(const wire::AttemptRef& ref, const Server& server);
  void answer(const agent::AskServer& what);
  int status_of(const agent::AskServer& what);
  void end(const wire::AttemptRef& ref, Server& server, agent::Ended how);
  void later(const wire::AttemptRef& ref, std::uint64_t serial, Millis after,
             std::function<void(Server&)> what);

  Simulation& sim_;
  Report report_;
  std::map<int, Server> running_;  // by server number
  std::map<int, Past> past_;       // by port
  std::map<int, int> asked_;       // serial of the last request, by server number
  std::uint64_t serials_ = 0, generation_ = 0;
};

}  // namespace sweep::sim
