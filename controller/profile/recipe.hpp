// What a recipe contains: a benchmark whose servers keep running between points. Its commands run under bash -c.
//
// A recipe has one server and a client, or several roles and a client (a gang), or a script that runs on several nodes.
// This header has only the values and what follows from them; recipe_reader.hpp reads them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sweep::profile {

/// A variable of a recipe that is rounded down from another variable's number: it has the largest of `steps`
/// that is at most that number, or the first step if all are larger. With steps [1, 16], for example, points
/// with concurrencies from 16 up share one server.
struct DerivedVariable {
  std::string name, of;
  std::vector<std::int64_t> steps;  // ascending
  friend bool operator==(const DerivedVariable&, const DerivedVariable&) = default;
};

/// A path that is requested over HTTP. `port` names one of a role's ports; "": its PORT.
struct UrlCheck {
  std::string path, port;  // an empty path: not used
  friend bool operator==(const UrlCheck&, const UrlCheck&) = default;
};

struct ServerSection {
  std::string command;                   // of a shell
  std::vector<std::string> env;          // the point's variables that the server gets; it gets no others
  std::vector<DerivedVariable> derived;  // those of `env` that are derived from another variable
  UrlCheck ready;                        // the server is ready when this path answers 2xx,
  std::string ready_log;                 // or a line of its output matches this expression,
  std::string ready_tcp;  // or this port accepts connections: "PORT" or one of a role's; roles only
  UrlCheck reset, health;
  std::string progress;  // expression for a line that shows progress; empty: progress bars
  friend bool operator==(const ServerSection&, const ServerSection&) = default;
};

/// A number that the recipe contains, or that of one of the point's variables.
struct Count {
  std::int64_t number = 0;
  std::string of;  // name of the variable; "": `number` applies
  friend bool operator==(const Count&, const Count&) = default;
};

struct Role {
  /// How many processes a worker has: one on each of its nodes, one for each of its GPUs, or one.
  enum class Processes { Node, Gpu, Worker };

  std::string name;  // lower case; the others find it in the variable of this name in upper case
  ServerSection server;
  std::map<std::string, std::string>
      texts;  // of `env`: variables whose values contain other variables ($ETCD)
  Count workers{1, ""};
  Count gpus;   // of each worker
  Count nodes;  // of each worker; 0: as many as its GPUs need
  Processes processes = Processes::Node;
  bool mpi = false;  // one srun starts a task for each GPU of a worker
  std::string on;    // where a role without GPUs runs: head, client, own, each, or a worker such as prefill.0
  std::vector<std::string> needs;  // roles that must be ready before this one starts
  std::vector<std::string> ports;  // names of the ports besides PORT
  friend bool operator==(const Role&, const Role&) = default;
};

/// Where a role or the client runs, besides on the node of a worker.
inline constexpr const char* kOnHead = "head";      // the gang's first node
inline constexpr const char* kOnClient = "client";  // the client's node
inline constexpr const char* kOnOwn = "own";        // a node of its own
inline constexpr const char* kOnEach = "each";      // each node of the gang

/// A file that is written before the processes of a role start, into the directory that they find in SCRATCH.
struct RoleFile {
  std::string name, role, text;
  friend bool operator==(const RoleFile&, const RoleFile&) = default;
};

/// A command that runs once on each node and in each image before the gang's processes start there.
struct Prepare {
  std::string command;
  std::vector<std::string> key;  // variables of the point; points with other values prepare again
  friend bool operator==(const Prepare&, const Prepare&) = default;
};

/// A command that starts its own servers: it runs once on each of several nodes.
struct NodesScript {
  std::string command;
  Count nodes;
  friend bool operator==(const NodesScript&, const NodesScript&) = default;
};

struct Recipe {
  ServerSection server;  // without a command: the recipe has none
  std::string client;    // command
  std::string eval;      // command that evaluates the servers (lm-eval); empty: none
  // A gang:
  std::vector<Role> roles;          // in the order of the file
  std::string public_role;          // the role whose address the client gets in URL
  std::string client_on = kOnHead;  // head, own, or a worker such as prefill.0
  std::vector<RoleFile> files;
  std::optional<Prepare> prepare;
  std::optional<NodesScript> script;

  /// Returns true if there is no recipe.
  bool empty() const { return server.command.empty() && !is_gang(); }
  /// Returns true if a point needs several processes besides the client.
  bool is_gang() const { return !roles.empty() || script; }
  friend bool operator==(const Recipe&, const Recipe&) = default;
};

/// Returns the variable in which a role's addresses are passed to the gang: its name in upper case.
std::string address_variable(const std::string& role);

/// Returns the variable with the number of a role's port: PORT_DIST for the port `dist`.
std::string port_variable(const std::string& port);

/// Returns the variables that the agent sets for each process of a gang. Recipes cannot set them.
const std::vector<std::string>& process_variables();

/// Returns the role of that name; nullptr if there is none.
const Role* find_role(const std::vector<Role>& roles, const std::string& name);

/// Returns the indexes of the roles in an order in which each comes after those that it needs; roles that do not need
/// each other keep the order of the file. Roles that need each other in a circle are left out.
std::vector<std::size_t> start_order(const std::vector<Role>& roles);

/// Returns the derived variables of the recipe's server or of its roles, each name once.
std::vector<DerivedVariable> derived_variables(const Recipe& recipe);

struct Worker {
  std::string role;
  std::int64_t index = 0;
};
/// Returns the worker that `place` names as ROLE.INDEX; std::nullopt if it is written in another way.
std::optional<Worker> worker_in(const std::string& place);

}  // namespace sweep::profile
