// Indexes of the servers of recipes and of the points that wait for one. They are derived from points and
// agents, so that finding a lease that reuses a running server is a lookup instead of a loop.
//
// Rules: only the functions of state.cpp write it, through queue() and set(). The entry last set for an agent
// is stored, so that it can be removed from the indexes when a new one is set. The entries describe the
// servers that an agent probably runs; if it does not, it starts the missing one.
//
// A key identifies everything that a server depends on (PointSpec::server). Here it is a number; -1 marks
// points whose benchmark starts its own server.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sweep::core {

/// A point's place in the queue: (-gpus, index).
using Place = std::pair<int, int>;

/// The servers on an agent. Empty if the agent gets no work.
struct AgentServers {
  std::vector<int> in_use;  // keys of the servers in use, one per attempt
  std::vector<int> idle;    // keys of the idle servers, each once
  int order = 0;            // join sequence number
  bool free = false;        // the agent could take an attempt now
  friend bool operator==(const AgentServers&, const AgentServers&) = default;
};

class Servers {
 public:
  Servers() = default;  // no keys
  /// Keys are 0 to `keys` - 1.
  explicit Servers(int keys) : keys_(static_cast<std::size_t>(keys)) {}
  bool any_keys() const { return !keys_.empty(); }

  /// Records that a point has become pending, or no longer is.
  void queue(int key, Place place, bool pending);
  /// Replaces the agent's entry.
  void set(const std::string& agent, AgentServers now);

  /// Returns the pending points of the key.
  const std::set<Place>& waiting(int key) const { return at(key).waiting; }
  /// Returns (join order, agent) of free agents on which a server of the key is idle.
  const std::set<std::pair<int, std::string>>& warm(int key) const { return at(key).warm; }
  /// Returns how many attempts use a server of the key.
  int in_use(int key) const { return at(key).in_use; }
  /// Returns how many servers of the key are running, idle ones included.
  int servers(int key) const { return at(key).in_use + at(key).idle; }

  /// Returns (first waiting point, key) of keys that have both waiting points and a free agent with an idle
  /// server.
  const std::set<std::pair<Place, int>>& matches() const { return matches_; }
  /// Returns the pending points for which no server runs: all points without a key, and the first point of
  /// each key that has no server.
  const std::set<Place>& unserved() const { return unserved_; }
  /// Returns (-1000 * waiting points / servers, key) of keys that have both; the highest load comes first.
  const std::set<std::pair<long, int>>& loads() const { return loads_; }

  friend bool operator==(const Servers&, const Servers&) = default;

 private:
  struct Key {
    std::set<Place> waiting;
    std::set<std::pair<int, std::string>> warm;
    int in_use = 0, idle = 0;
    // The key's current entries in the indexes below.
    std::optional<Place> match, unserved;
    std::optional<long> load;
    friend bool operator==(const Key&, const Key&) = default;
  };
  const Key& at(int key) const { return keys_[static_cast<std::size_t>(key)]; }
  void index(int key);
  void count(const std::string& agent, const AgentServers& what, int by);

  std::vector<Key> keys_;
  std::map<std::string, AgentServers> agents_;  // without empty entries
  std::set<std::pair<Place, int>> matches_;
  std::set<Place> unserved_;
  std::set<std::pair<long, int>> loads_;
};

}  // namespace sweep::core
