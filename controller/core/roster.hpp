// Indexes of a State's agents: free ones by GPUs, all by time of the last message, by node. They are derived
// from the agents, so that a decision is a lookup instead of a loop over ten thousand agents.
//
// Rules: only index_agent() and mark_seen() write it. The entry last set for an agent is stored, so that it
// can be removed from the indexes when a new one is set.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "util/time.hpp"

namespace sweep::core {

/// The properties of an agent that the indexes depend on.
struct RosterEntry {
  std::string node;
  int gpus = 0;                // total
  int order = 0;               // join sequence number
  std::optional<int> free;     // free GPUs; nullopt: cannot take work now
  bool is_eligible = false;    // gets work: not gone, leaving or quarantined
  bool not_ready_yet = false;  // eligible, but has not sent Ready or waits for a leaving agent of its node
  bool busy = false;           // not gone, and has attempts that have not ended
  bool joined = false;         // took part in this session, gone or not
  std::optional<Instant> last_seen;  // nullopt: gone
  friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};

class Roster {
 public:
  /// Replaces the agent's entry.
  void set(const std::string& agent, RosterEntry entry);
  /// Sets the time of the agent's last message; no-op if the agent is gone or unknown.
  void set_last_seen(const std::string& agent, Instant at);
  void clear() { *this = Roster(); }

  /// (free GPUs, join order, agent): the first entry not less than {gpus} is the best agent for a point.
  using Free = std::set<std::tuple<int, int, std::string>>;
  const Free& free() const { return free_; }
  /// (time of the last message, agent) of agents that are not gone
  const std::set<std::pair<Instant, std::string>>& by_last_seen() const { return by_last_seen_; }
  const std::set<std::string>& on_node(const std::string& node) const;
  bool any_busy() const { return busy_ > 0; }
  bool any_eligible() const { return eligible_ > 0; }
  bool any_not_ready_yet() const { return not_ready_yet_ > 0; }
  /// Returns how many agents took part in this session, gone or not.
  int joined() const { return joined_; }
  /// Returns the GPUs of the largest agent of this session, gone or not; -1 without agents.
  int largest() const { return sizes_.empty() ? -1 : sizes_.rbegin()->first; }

  friend bool operator==(const Roster&, const Roster&) = default;

 private:
  void count(const std::string& agent, const RosterEntry& entry, int by);

  std::map<std::string, RosterEntry> entries_;
  Free free_;
  std::set<std::pair<Instant, std::string>> by_last_seen_;
  std::map<std::string, std::set<std::string>> nodes_;
  std::map<int, int> sizes_;  // GPUs -> number of agents
  int busy_ = 0, eligible_ = 0, not_ready_yet_ = 0, joined_ = 0;
};

}  // namespace sweep::core
