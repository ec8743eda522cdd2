// The servers of recipes on this agent: which attempt has which, and which of them are kept warm.
//
// Rules: pure. A server outlives the attempt that it was started for; it is stopped when another attempt needs
// its GPUs, when it has failed, or when the agent ends. One attempt at a time has it.
#pragma once

#include <list>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/actions.hpp"
#include "agent/core/attempt.hpp"
#include "agent/core/server.hpp"
#include "agent/core/setup.hpp"

namespace sweep::agent {

class ServerPool {
 public:
  /// `setup` and `attempts` (all attempts of the agent) must outlive the pool.
  ServerPool(const Setup& setup, std::list<Attempt>& attempts) : setup_(setup), attempts_(attempts) {}

  bool empty() const { return servers_.empty(); }
  /// Returns the server whose processes `ref` names, or nullptr.
  Server* find(const AttemptRef& ref);
  /// Returns the GPUs of a warm, free server that fits the lease; std::nullopt if there is none.
  std::optional<std::vector<std::string>> gpus_of_warm(const wire::Lease& lease) const;
  /// Returns `all` in the order in which an attempt should take them: GPUs without a server, then those of the
  /// server that was used longest ago.
  std::vector<std::string> preferred_gpus(const std::vector<std::string>& all) const;
  /// Returns the ports of all servers that have one.
  std::vector<int> ports() const;
  /// Returns true if a server is waiting for its port.
  bool preparing() const;

  /// Gives the attempt its server if that is warm and free, and stops the other servers on its GPUs. Returns
  /// true if no other server is left there.
  bool make_room(Attempt& attempt, Instant now, Actions& out);
  /// Starts a new server for the attempt. `ports_in_use`: the ports that it must not get.
  void start(Attempt& attempt, std::vector<int> ports_in_use, Instant now, Actions& out);

  /// Ends the attempts whose servers have failed, and adds a flaw to those whose servers have restarted. A
  /// waiting attempt whose server failed on reuse loses it instead, and can get another one.
  void report_failures(Instant now, Actions& out);
  /// Frees the servers whose attempts are over. Stops a server under which a benchmark timed out.
  void reclaim(Instant now, Actions& out);
  /// Removes servers that have no process and no attempt.
  void remove_gone();
  /// Stops servers: SIGTERM, and SIGKILL after the grace time or `longest_grace`. `idle_only`: only those that
  /// no attempt has.
  void stop(bool idle_only, std::optional<Millis> longest_grace, Instant now, Actions& out);
  /// Sends SIGKILL to the servers that are being stopped.
  void kill(Instant now, Actions& out);

  void on_deadline(Instant now, Actions& out);
  std::optional<Instant> next_deadline() const;

 private:
  Attempt* attempt_of(const Server& server);

  const Setup& setup_;
  std::list<Attempt>& attempts_;
  std::list<Server> servers_;  // the server that was used last comes first
  int started_ = 0;
};

}  // namespace sweep::agent
