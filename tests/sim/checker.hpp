// Who sees all that is committed, said and forgotten in a simulated sweep, and speaks up when a promise is
// broken.
//
// Rules: it knows the journal (what was committed) and what each attempt really was; it never looks into the
// core. A broken promise ends the seed: it is thrown.
#pragma once

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "controller/core/events.hpp"
#include "proto/wire/messages.hpp"

namespace sweep::sim {

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void violation(const std::string& what) {
  throw Violation(what);
}

using Key = std::pair<std::string, int>;  // of an attempt: point, number
inline Key key(const wire::AttemptRef& ref) {
  return {ref.point, ref.attempt};
}
inline std::string name_of(const wire::AttemptRef& ref) {
  return ref.point + "/" + std::to_string(ref.attempt);
}

/// What the client of an attempt leaves, when it does its part.
std::string result_bytes(const wire::AttemptRef& ref);
/// Whether these are the bytes of a client at all.
bool is_result(const std::string& bytes);

struct StoredResult {
  wire::AttemptRef ref;
  std::string bytes;
  bool accepted = false;
};

struct Batch {
  std::vector<core::Event> events;
  std::vector<StoredResult> results;
};

class Checker {
 public:
  // ---- the controller
  void committed(const Batch& batch);
  /// It lets these out. `process` is that of the agent, one of a name.
  void leased(const wire::AttemptRef& ref, const std::string& agent);
  void settled(const wire::Settled& message);

  // ---- the agents
  /// The lease has reached this process.
  void received(const wire::AttemptRef& ref, std::uint64_t process);
  /// A Finished is said: all of an attempt are the same.
  void finished(const wire::Finished& message, const std::string& bulk);
  /// An ok result is dropped by who had it.
  void forgotten(const wire::AttemptRef& ref);
  /// It lies in a spool from now on, and does not any more.
  void spooled(const wire::AttemptRef& ref) { in_spools_.insert(key(ref)); }
  void dropped(const wire::AttemptRef& ref) { in_spools_.erase(key(ref)); }

  // ---- the end
  bool has_result(const std::string& point) const { return accepted_.contains(point); }
  /// Whether the journal knows how the attempt ended, by word of its agent.
  bool has_end(const wire::AttemptRef& ref) const { return ended_.contains(key(ref)); }
  const std::vector<core::Event>& journal() const { return journal_; }
  void check_points(const core::State& state) const;
  const std::set<Key>& in_spools() const { return in_spools_; }

 private:
  void take(const core::Event& event, const Batch& batch);
  void take(const core::Leased& leased, Instant at);
  void take(const core::Ended& ended, const Batch& batch);
  void take(const core::Resumed& resumed);

  std::vector<core::Event> journal_;
  std::map<Key, std::string> leased_to_;  // as committed
  std::map<Key, std::uint64_t> received_by_;
  std::set<Key> ended_, in_spools_;
  std::map<std::string, core::AgentInfo> agents_;
  std::set<std::string> gone_, quarantined_, withdrawn_;
  std::map<std::string, Instant> job_ends_;
  bool ending_ = false;                  // nothing is to be begun any more
  std::map<std::string, int> accepted_;  // point -> attempt, as committed
  std::map<Key, std::string> reported_ends_;      // what Finished said
};

}  // namespace sweep::sim
