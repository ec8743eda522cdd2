// Where the processes of a gang run: which node gets which processes and how many of its GPUs. Pure.
//
// Rules: a worker with at least as many GPUs as a node has gets whole nodes, and the same number of GPUs on each. Smaller
// workers of a role share nodes as far as their GPUs fit. Two roles share a node only if the workers of all roles fit on one.
// Nodes are numbers from 0; node 0 is the head. Roles without GPUs come last, in the order of the file, and those on each node
// after the others.
#pragma once

#include <string>
#include <vector>

#include "controller/profile/recipe.hpp"
#include "util/error.hpp"

namespace sweep {

/// A role with the numbers of one point.
struct GangRole {
  std::string name;
  int workers = 1;
  int gpus = 0;   // of each worker
  int nodes = 0;  // of each worker; 0: as many as its GPUs need
  profile::Role::Processes processes = profile::Role::Processes::Node;
  bool mpi = false;
  std::string on = {};  // Role::on
};

/// A process of a gang, or a part of the GPUs of one that spans several nodes.
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
Expected<GangLayout> lay_out(const std::vector<GangRole>& roles, const std::string& client_on,
                             int gpus_per_node);

}  // namespace sweep
