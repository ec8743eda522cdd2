// Who could take work now, who is busy, who was heard of last: derived from the agents of a State, so that a
// decision costs a look and not a walk over ten thousand agents.
//
// Rules: only index_agent() and observe() write it. What it was told about an agent is kept beside it, so
// that the old entries can be found again.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "util/time.hpp"

namespace sweep::core {

/// What the roster has to know of one agent.
struct RosterEntry {
  std::string node;
  int gpus = 0;                      // that it has
  int order = 0;                     // of joining
  std::optional<int> free;           // GPUs; nothing: it cannot take anything now
  bool in_crew = false;              // here, and gets work as long as there is some
  bool unsettled = false;            // here, and may yet take something without any news of points
  bool busy = false;                 // here, and has something that has not ended
  bool present = false;              // of this session, gone or not
  std::optional<Instant> last_seen;  // where it is here
  friend bool operator==(const RosterEntry&, const RosterEntry&) = default;
};

class Roster {
 public:
  /// Replaces what is known of the agent.
  void set(const std::string& agent, RosterEntry entry);
  /// The agent, if it is here, was heard of at `at`.
  void heard(const std::string& agent, Instant at);
  void clear() { *this = Roster(); }

  /// (free GPUs, order of joining, agent): the first that is not less than {gpus} is the best for a point.
  using Free = std::set<std::tuple<int, int, std::string>>;
  const Free& free() const { return free_; }
  /// (last heard of, agent)
  const std::set<std::pair<Instant, std::string>>& by_last_seen() const { return by_last_seen_; }
  const std::set<std::string>& on_node(const std::string& node) const;
  bool any_busy() const { return busy_ > 0; }
  bool any_in_crew() const { return crew_ > 0; }
  bool any_unsettled() const { return unsettled_ > 0; }
  int present() const { return present_; }
  /// The most GPUs that an agent of this session has, gone or not; -1 without agents.
  int largest() const { return sizes_.empty() ? -1 : sizes_.rbegin()->first; }

  friend bool operator==(const Roster&, const Roster&) = default;

 private:
  void count(const std::string& agent, const RosterEntry& entry, int by);

  std::map<std::string, RosterEntry> entries_;
  Free free_;
  std::set<std::pair<Instant, std::string>> by_last_seen_;
  std::map<std::string, std::set<std::string>> nodes_;
  std::map<int, int> sizes_;  // GPUs -> how many agents
  int busy_ = 0, crew_ = 0, unsettled_ = 0, present_ = 0;
};

}  // namespace sweep::core
