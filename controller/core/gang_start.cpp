#include "controller/core/gang_start.hpp"

#include <algorithm>
#include <utility>

namespace sweep::core {

namespace {

ProcessId id_of(const GangProcess& process) {
  return {process.role, process.index, process.rank};
}

}  // namespace

GangStart::GangStart(GangSpec gang, GangLayout layout) : gang_(std::move(gang)), layout_(std::move(layout)) {}

bool GangStart::prepared(int node, const std::map<ProcessId, Endpoint>& endpoints) {
  if (node < 0 || static_cast<std::size_t>(node) >= layout_.nodes.size()) return false;
  const auto& processes = layout_.nodes[static_cast<std::size_t>(node)].processes;
  const bool complete = endpoints.size() == processes.size() &&
                        std::all_of(processes.begin(), processes.end(), [&](const GangProcess& process) {
                          return endpoints.contains(id_of(process));
                        });
  if (!complete) return false;
  if (prepared_.insert(node).second) endpoints_.insert(endpoints.begin(), endpoints.end());
  return true;
}

bool GangStart::up(const ProcessId& process) {
  const bool known = std::any_of(layout_.nodes.begin(), layout_.nodes.end(), [&](const GangNode& node) {
    return std::any_of(node.processes.begin(), node.processes.end(),
                       [&](const GangProcess& other) { return id_of(other) == process; });
  });
  if (!known) return false;
  up_.insert(process);
  started_.insert(process);
  return true;
}

int GangStart::processes_of(int role) const {
  int count = 0;
  for (const GangNode& node : layout_.nodes)
    count +=
        static_cast<int>(std::count_if(node.processes.begin(), node.processes.end(),
                                       [&](const GangProcess& process) { return process.role == role; }));
  return count;
}

bool GangStart::is_up(int role) const {
  const auto of_role = [&](const ProcessId& process) { return process.role == role; };
  return std::count_if(up_.begin(), up_.end(), of_role) == processes_of(role);
}

std::vector<ProcessId> GangStart::take_startable(int node) {
  std::vector<ProcessId> out;
  if (!all_prepared() || node < 0 || static_cast<std::size_t>(node) >= layout_.nodes.size()) return out;
  for (const GangProcess& process : layout_.nodes[static_cast<std::size_t>(node)].processes) {
    const auto& needs = gang_.roles[static_cast<std::size_t>(process.role)].needs;
    const bool may_start = std::all_of(needs.begin(), needs.end(), [&](int need) { return is_up(need); });
    if (may_start && started_.insert(id_of(process)).second) out.push_back(id_of(process));
  }
  return out;
}

bool GangStart::client_may_start() const {
  return all_prepared() && waits_for().empty();
}

const Endpoint* GangStart::endpoint(const ProcessId& process) const {
  const auto found = endpoints_.find(process);
  return all_prepared() && found != endpoints_.end() ? &found->second : nullptr;
}

const Endpoint* GangStart::leader(const ProcessId& process) const {
  return endpoint({process.role, process.index, 0});
}

std::optional<std::string> GangStart::addresses(int role) const {
  if (!all_prepared()) return std::nullopt;
  std::string out;
  for (const auto& [process, endpoint] : endpoints_) {
    if (process.role != role || process.rank != 0) continue;
    out += (out.empty() ? "" : " ") + endpoint.host + ":" + std::to_string(endpoint.port);
  }
  return out;
}

std::string GangStart::waits_for() const {
  const std::size_t nodes = layout_.nodes.size();
  if (!all_prepared())
    return std::to_string(prepared_.size()) + " of " + std::to_string(nodes) + " nodes are prepared";
  for (std::size_t role = 0; role < gang_.roles.size(); ++role) {
    const int index = static_cast<int>(role), all = processes_of(index);
    const auto up =
        std::count_if(up_.begin(), up_.end(), [&](const ProcessId& p) { return p.role == index; });
    if (up < all)
      return gang_.roles[role].name + ": " + std::to_string(up) + " of " + std::to_string(all) +
             " processes are up";
  }
  return {};
}

}  // namespace sweep::core
