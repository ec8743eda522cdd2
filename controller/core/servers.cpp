#include "controller/core/servers.hpp"

namespace sweep::core {

namespace {

/// Replaces an entry of an index if its value has changed.
template <class Index, class Value, class Entry>
void replace(Index& index, std::optional<Value>& was, const std::optional<Value>& now, Entry entry) {
  if (was == now) return;
  if (was) index.erase(entry(*was));
  if (now) index.insert(entry(*now));
  was = now;
}

}  // namespace

void Servers::queue(int key, Place place, bool pending) {
  if (!any_keys()) return;  // no recipes: State::pending is enough
  auto& set = key < 0 ? unserved_ : keys_[static_cast<std::size_t>(key)].waiting;
  pending ? void(set.insert(place)) : void(set.erase(place));
  if (key >= 0) index(key);
}

void Servers::set(const std::string& agent, AgentServers now) {
  if (!any_keys()) return;
  if (now.in_use.empty() && now.idle.empty()) now = AgentServers{};
  const auto found = agents_.find(agent);
  if (found == agents_.end() ? now == AgentServers{} : now == found->second) return;
  AgentServers was;
  if (found != agents_.end()) {
    was = std::move(found->second);
    agents_.erase(found);
  }
  count(agent, was, -1);
  count(agent, now, 1);
  for (const AgentServers* either : {&was, &now}) {
    for (const int key : either->in_use)
      index(key);
    for (const int key : either->idle)
      index(key);
  }
  if (now != AgentServers{}) agents_.emplace(agent, std::move(now));
}

void Servers::count(const std::string& agent, const AgentServers& what, int by) {
  for (const int key : what.in_use)
    keys_[static_cast<std::size_t>(key)].in_use += by;
  for (const int number : what.idle) {
    Key& key = keys_[static_cast<std::size_t>(number)];
    key.idle += by;
    if (!what.free) continue;
    by > 0 ? void(key.warm.insert({what.order, agent})) : void(key.warm.erase({what.order, agent}));
  }
}

void Servers::index(int number) {
  constexpr long kThousand = 1'000;
  Key& key = keys_[static_cast<std::size_t>(number)];
  std::optional<Place> match, unserved;
  std::optional<long> load;
  if (!key.waiting.empty()) {
    const int servers = key.in_use + key.idle;
    if (!key.warm.empty()) match = *key.waiting.begin();
    if (servers == 0) unserved = *key.waiting.begin();
    if (servers > 0) load = -static_cast<long>(key.waiting.size()) * kThousand / servers;
  }
  replace(matches_, key.match, match, [&](Place place) { return std::pair(place, number); });
  replace(unserved_, key.unserved, unserved, [](Place place) { return place; });
  replace(loads_, key.load, load, [&](long value) { return std::pair(value, number); });
}

}  // namespace sweep::core
