// Where the servers of recipes are, and which points wait for one: derived from points and agents, so that a
// lease that keeps a server warm costs a look and not a walk.
//
// Rules: only State's own functions write it, through queue() and set(). What it was told about an agent is
// kept beside it, so that the old entries can be found again. What it says of an agent is what the agent is
// likely to have; an agent that has something else starts what is missing.
//
// A key names all that a server depends on (PointSpec::server). Here it is a number; -1 stands for points
// that need no server of ours.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sweep::core {

/// (-gpus, index): a point's place in the queue.
using Place = std::pair<int, int>;

/// What of an agent matters here. Empty for one that gets no work.
struct AgentServers {
  std::vector<int> in_use;  // keys of the servers that attempts have; one per attempt
  std::vector<int> idle;    // keys of those that wait for one; none twice
  int order = 0;            // of joining
  bool free = false;        // it could take something now
  friend bool operator==(const AgentServers&, const AgentServers&) = default;
};

class Servers {
 public:
  Servers() = default;  // no keys
  /// Keys are 0 to `keys` - 1.
  explicit Servers(int keys) : keys_(static_cast<std::size_t>(keys)) {}
  bool any_keys() const { return !keys_.empty(); }

  /// A point begins or ceases to be pending.
  void queue(int key, Place place, bool pending);
  /// Replaces what is known of the agent.
  void set(const std::string& agent, AgentServers now);

  const std::set<Place>& waiting(int key) const { return at(key).waiting; }
  /// (order of joining, agent) of free agents on which a server of the key waits.
  const std::set<std::pair<int, std::string>>& warm(int key) const { return at(key).warm; }
  /// How many attempts have a server of the key.
  int in_use(int key) const { return at(key).in_use; }
  /// How many servers of the key there are.
  int servers(int key) const { return at(key).in_use + at(key).idle; }

  /// Keys with points that wait and a free agent that has their server, by the first point.
  const std::set<std::pair<Place, int>>& matches() const { return matches_; }
  /// Points that no server waits for or works on: those without a key, and of each other key that nobody
  /// serves the first.
  const std::set<Place>& unserved() const { return unserved_; }
  /// (minus the points that wait per thousand servers, key) of keys that somebody serves.
  const std::set<std::pair<long, int>>& loads() const { return loads_; }

  friend bool operator==(const Servers&, const Servers&) = default;

 private:
  struct Key {
    std::set<Place> waiting;
    std::set<std::pair<int, std::string>> warm;
    int in_use = 0, idle = 0;
    // What stands in the indices for it.
    std::optional<Place> match, unserved;
    std::optional<long> load;
    friend bool operator==(const Key&, const Key&) = default;
  };
  const Key& at(int key) const { return keys_[static_cast<std::size_t>(key)]; }
  void index(int key);
  void count(const std::string& agent, const AgentServers& what, int by);

  std::vector<Key> keys_;
  std::map<std::string, AgentServers> agents_;  // those with something
  std::set<std::pair<Place, int>> matches_;
  std::set<Place> unserved_;
  std::set<std::pair<long, int>> loads_;
};

}  // namespace sweep::core
