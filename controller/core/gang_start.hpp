// The start of a gang: which of its processes may start, and at which addresses the others find them.
//
// A member reports the ports of its processes when it is prepared. When all members are, every process of a role starts as
// soon as the roles that it needs are up, and the client when all roles are.
//
// Rule: nothing of this is in the journal. After a restart of the controller the members report again what is prepared and
// what is up; reports that come twice change nothing.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/core/gang_layout.hpp"

namespace sweep::core {

/// Names a process of a gang.
struct ProcessId {
  int role = 0, index = 0, rank = 0;
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
  friend bool operator<(const ProcessId& a, const ProcessId& b) {
    return std::tie(a.role, a.index, a.rank) < std::tie(b.role, b.index, b.rank);
  }
};

/// Where a process can be reached.
struct Endpoint {
  std::string host;  // address of its node
  int port = 0;
  std::map<std::string, int> ports;  // by name: the others of its role
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

class GangStart {
 public:
  GangStart(GangSpec gang, GangLayout layout);

  /// The member that runs this node of the layout is prepared. Returns false, and changes nothing, if the endpoints are not
  /// those of the node's processes.
  bool prepared(int node, const std::map<ProcessId, Endpoint>& endpoints);
  /// The process is up: it is ready, or it was started if others wait for the first process of its worker. Returns false,
  /// and changes nothing, if the gang has no such process.
  bool up(const ProcessId& process);

  /// Returns the processes of a node that may start and have not been returned before by take_startable().
  std::vector<ProcessId> take_startable(int node);
  /// Returns true once all processes are up: the client may start.
  bool client_may_start() const;

  /// Returns the addresses of a role's workers as HOST:PORT, separated by blanks; nullopt before all members are prepared.
  std::optional<std::string> addresses(int role) const;
  /// Returns where the first process of the process's worker can be reached; nullptr before all members are prepared.
  const Endpoint* leader(const ProcessId& process) const;
  const Endpoint* endpoint(const ProcessId& process) const;

  /// Returns what the gang waits for, for people: "2 of 3 nodes are prepared", "prefill: 1 of 2 processes are up"; "" if all
  /// is up.
  std::string waits_for() const;

 private:
  bool all_prepared() const { return prepared_.size() == layout_.nodes.size(); }
  bool is_up(int role) const;
  int processes_of(int role) const;

  GangSpec gang_;
  GangLayout layout_;
  std::set<int> prepared_;  // nodes
  std::map<ProcessId, Endpoint> endpoints_;
  std::set<ProcessId> up_, started_;
};

}  // namespace sweep::core
