#include "controller/core/roster.hpp"

namespace sweep::core {

void Roster::set(const std::string& agent, RosterEntry entry) {
  const auto [at, fresh] = entries_.try_emplace(agent);
  if (!fresh && at->second == entry) return;
  if (!fresh) count(agent, at->second, -1);
  at->second = std::move(entry);
  count(agent, at->second, 1);
}

void Roster::set_last_seen(const std::string& agent, Instant at) {
  const auto found = entries_.find(agent);
  if (found == entries_.end() || !found->second.last_seen) return;
  by_last_seen_.erase({*found->second.last_seen, agent});
  found->second.last_seen = at;
  by_last_seen_.insert({at, agent});
}

const std::set<std::string>& Roster::on_node(const std::string& node) const {
  static const std::set<std::string> none;
  const auto found = nodes_.find(node);
  return found == nodes_.end() ? none : found->second;
}

void Roster::count(const std::string& agent, const RosterEntry& entry, int by) {
  const auto put = [&](auto& set, auto&& key) { by > 0 ? void(set.insert(key)) : void(set.erase(key)); };
  if (entry.free) put(free_, std::tuple(*entry.free, entry.order, agent));
  if (entry.last_seen) put(by_last_seen_, std::pair(*entry.last_seen, agent));
  put(nodes_[entry.node], agent);
  if (nodes_[entry.node].empty()) nodes_.erase(entry.node);
  if (entry.joined && (sizes_[entry.gpus] += by) == 0) sizes_.erase(entry.gpus);
  busy_ += by * entry.busy;
  eligible_ += by * entry.is_eligible;
  not_ready_yet_ += by * entry.not_ready_yet;
  joined_ += by * entry.joined;
}

}  // namespace sweep::core
