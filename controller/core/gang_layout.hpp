// What a gang consists of, and where its processes run: which node gets which processes and how many of its GPUs.
//
// A gang is the set of server processes that together serve one point. Its nodes are numbers here; gang_members.hpp
// chooses the agents.
//
// Rules of the layout: a worker with at least as many GPUs as a node has gets whole nodes, and the same number of GPUs on
// each. Smaller workers of a role share nodes as far as their GPUs fit. Two roles share a node only if the workers of all
// roles fit on one. Node 0 is the head. Roles without GPUs come last, in the order of the recipe, and those on each node after
// the others.
#pragma once

#include <string>
#include <vector>

#include "util/error.hpp"

namespace sweep::core {

/// How many processes a worker has: one on each of its nodes, one for each of its GPUs, or one.
enum class ProcessesPer { Node, Gpu, Worker };

/// Where the client or a role without GPUs runs.
struct GangPlace {
  enum class Kind {
    Dealt,   // on the nodes that its GPUs need
    Head,    // on the gang's first node
    Client,  // on the client's node
    Own,     // on a node of its own
    Each,    // on each node of the gang
    Worker,  // on the first node of a worker of another role
  };
  Kind kind = Kind::Dealt;
  int role = 0, worker = 0;  // of Kind::Worker: index of the role, and number of the worker
  friend bool operator==(const GangPlace&, const GangPlace&) = default;
};

struct GangRole {
  std::string name;
  int workers = 1;
  int gpus = 0;   // of each worker
  int nodes = 0;  // of each worker; 0: as many as its GPUs need
  ProcessesPer processes = ProcessesPer::Node;
  GangPlace place = {};
  std::vector<int> needs = {};          // indexes of the roles that must be up before it starts
  std::vector<std::string> ports = {};  // names of the ports that a process needs besides its first one
  friend bool operator==(const GangRole&, const GangRole&) = default;
};

struct GangSpec {
  std::string text;             // what it needs, for people: "24 GPUs on 3 nodes for 3 servers"
  std::vector<GangRole> roles;  // empty: no agent can run it
  GangPlace client{GangPlace::Kind::Head};
  friend bool operator==(const GangSpec&, const GangSpec&) = default;
};

/// A process of a gang.
struct GangProcess {
  int role = 0;   // index of the role
  int index = 0;  // number of the worker in the role, from 0
  int rank = 0;   // number of the process in the worker, from 0
  int gpus = 0;
  friend bool operator==(const GangProcess&, const GangProcess&) = default;
};

struct GangNode {
  int gpus = 0;  // of all its processes
  std::vector<GangProcess> processes;
  friend bool operator==(const GangNode&, const GangNode&) = default;
};

struct GangLayout {
  std::vector<GangNode> nodes;
  int client = 0;  // the node of the client
};

/// Returns the layout on nodes with `gpus_per_node` GPUs. Fails, naming the role, if the GPUs of a worker cannot be
/// divided equally over its nodes, or a place names a worker that does not exist.
Expected<GangLayout> lay_out(const GangSpec& gang, int gpus_per_node);

}  // namespace sweep::core
