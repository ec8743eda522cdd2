#include "controller/core/gang_layout.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "util/text.hpp"

namespace sweep::core {

namespace {

int rounded_up(int number, int by) {
  return (number + by - 1) / by;
}

/// Deals the nodes of a gang to its processes, in the order of the calls.
class Dealer {
 public:
  Dealer(const std::vector<GangRole>& roles, int gpus_per_node)
      : roles_(roles), gpus_per_node_(std::max(gpus_per_node, 1)) {}

  /// Deals the workers of a role with GPUs or nodes. `shares`: all workers fit on the first node.
  Expected<void> deal_workers(int role, bool shares) {
    if (!shares) current_.reset();
    for (int index = 0; index < of(role).workers; ++index)
      SWEEP_TRY(deal_worker(role, index));
    return {};
  }

  /// Places the processes of a role without GPUs.
  Expected<void> place_role(int role, int client) {
    const GangPlace& to = of(role).place;
    if (to.kind == GangPlace::Kind::Each) {
      for (std::size_t node = 0; node < out_.nodes.size(); ++node)
        add(static_cast<int>(node), {role, static_cast<int>(node), 0, 0});
      return {};
    }
    for (int index = 0; index < of(role).workers; ++index) {
      SWEEP_ASSIGN(const int node, place("role " + of(role).name, to, client));
      add(node, {role, index, 0, 0});
    }
    return {};
  }

  /// Returns the node that the place means; adds one for a node of its own.
  Expected<int> place(const std::string& what, const GangPlace& to, int client) {
    if (to.kind == GangPlace::Kind::Own) return new_node();
    if (to.kind == GangPlace::Kind::Client) return client;
    if (to.kind != GangPlace::Kind::Worker) return out_.nodes.empty() ? new_node() : 0;
    const auto found = leaders_.find({to.role, to.worker});
    if (found != leaders_.end()) return found->second;
    const bool known = to.role >= 0 && static_cast<std::size_t>(to.role) < roles_.size();
    const std::string worker = std::to_string(to.worker);
    if (!known)
      return fail(what + " is placed on worker " + worker + " of a role that the point does not have");
    return fail(what + " is placed on '" + of(to.role).name + "." + worker +
                "', but the point has no such worker");
  }

  GangLayout finish(int client) {
    out_.client = client;
    return std::move(out_);
  }

 private:
  const GangRole& of(int role) const { return roles_[static_cast<std::size_t>(role)]; }

  int new_node() {
    out_.nodes.emplace_back();
    return static_cast<int>(out_.nodes.size()) - 1;
  }

  void add(int node, const GangProcess& process) {
    GangNode& to = out_.nodes[static_cast<std::size_t>(node)];
    to.gpus += process.gpus;
    to.processes.push_back(process);
    leaders_.emplace(std::pair(process.role, process.index), node);
  }

  /// Adds the processes of a worker on one of its nodes. Returns the rank of the next process.
  int add_processes(int node, int role, int index, int rank, int gpus) {
    if (of(role).processes != ProcessesPer::Gpu) {
      add(node, {role, index, rank, gpus});
      return rank + 1;
    }
    for (int gpu = 0; gpu < gpus; ++gpu)
      add(node, {role, index, rank++, 1});
    return rank;
  }

  Expected<void> deal_worker(int role, int index) {
    const GangRole& what = of(role);
    const int nodes = what.nodes > 0 ? what.nodes : std::max(rounded_up(what.gpus, gpus_per_node_), 1);
    if (what.gpus % nodes != 0 || what.gpus / nodes > gpus_per_node_)
      return fail("role " + what.name + ": the " + std::to_string(what.gpus) +
                  " GPUs of a worker cannot be divided equally over " +
                  counted(static_cast<std::size_t>(nodes), "node") + " of " + std::to_string(gpus_per_node_));
    const int each = what.gpus / nodes;
    if (nodes > 1 || each == gpus_per_node_ || each == 0) {
      int rank = 0;
      for (int i = 0; i < nodes; ++i)
        rank = add_processes(new_node(), role, index, rank, each);
      current_.reset();
      return {};
    }
    if (!current_ || out_.nodes[static_cast<std::size_t>(*current_)].gpus + each > gpus_per_node_)
      current_ = new_node();
    add_processes(*current_, role, index, 0, each);
    return {};
  }

  const std::vector<GangRole>& roles_;
  int gpus_per_node_;
  GangLayout out_;
  std::optional<int> current_;                  // the node that smaller workers share
  std::map<std::pair<int, int>, int> leaders_;  // by role and index: the node of its first process
};

bool is_dealt(const GangRole& role) {
  return role.gpus > 0 || role.nodes > 0;
}

}  // namespace

Expected<GangLayout> lay_out(const GangSpec& gang, int gpus_per_node) {
  const std::vector<GangRole>& roles = gang.roles;
  Dealer dealer(roles, gpus_per_node);
  int total = 0;
  bool any_nodes = false;
  for (const GangRole& role : roles) {
    total += role.workers * role.gpus;
    any_nodes |= role.nodes > 0;
  }
  const bool fits_on_one = total <= gpus_per_node && !any_nodes;
  for (std::size_t i = 0; i < roles.size(); ++i) {
    if (is_dealt(roles[i])) SWEEP_TRY(dealer.deal_workers(static_cast<int>(i), fits_on_one));
  }
  SWEEP_ASSIGN(const int client, dealer.place("the client", gang.client, 0));
  for (const bool each : {false, true}) {
    for (std::size_t i = 0; i < roles.size(); ++i) {
      if (!is_dealt(roles[i]) && (roles[i].place.kind == GangPlace::Kind::Each) == each)
        SWEEP_TRY(dealer.place_role(static_cast<int>(i), client));
    }
  }
  return dealer.finish(client);
}

}  // namespace sweep::core
