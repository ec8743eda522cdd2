// Checks the guarantees of a sweep while it is simulated: each result is accepted exactly once, leases and
// acknowledgements are sent only after their commit, no result is deleted before the journal has it, …
//
// Rules: it records what was committed (the journal), what was sent, and what each attempt really produced;
// it never reads the core's state while the sweep runs. A violation ends the seed: it is thrown.
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

using Key = std::pair<std::string, int>;  // an attempt: point, number
inline Key key(const wire::AttemptRef& ref) {
  return {ref.point, ref.attempt};
}
inline std::string name_of(const wire::AttemptRef& ref) {
  return ref.point + "/" + std::to_string(ref.attempt);
}

/// Returns the result file of a successful benchmark client.
std::string result_bytes(const wire::AttemptRef& ref);
/// Returns the files that a successful benchmark leaves besides its result: name and content.
std::vector<std::pair<Artifact, std::string>> left_files(const wire::AttemptRef& ref);
/// True if the bytes are the result file of a successful client, of any attempt.
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
  // ---- called by the controller
  void committed(const Batch& batch);
  /// Files of an attempt were put in place; they are checked when its result is accepted.
  void installed(const wire::AttemptRef& ref, std::map<std::string, std::string> files);
  /// Another attempt wrote into the same directory while this one ran.
  void mixed(const Key& ref) { mixed_.insert(ref); }
  /// A Lease or Settled is sent.
  void leased(const wire::AttemptRef& ref, const std::string& agent);
  void settled(const wire::Settled& message);

  // ---- called by the agents
  /// A lease has reached this process. Several processes may have had the same agent name.
  void received(const wire::AttemptRef& ref, std::uint64_t process);
  /// A Finished is sent. All those of an attempt must be equal.
  void finished(const wire::Finished& message, const std::string& bulk);
  /// An agent deletes an ok result.
  void forgotten(const wire::AttemptRef& ref);
  /// An attempt's end is stored in a spool, or deleted from it.
  void spooled(const wire::AttemptRef& ref) { in_spools_.insert(key(ref)); }
  void dropped(const wire::AttemptRef& ref) { in_spools_.erase(key(ref)); }

  bool collects = true;  // whether agents collect files

  // ---- results
  bool has_result(const std::string& point) const { return accepted_.contains(point); }
  /// True if the journal has the end of the attempt as reported by an agent.
  bool has_end(const wire::AttemptRef& ref) const { return ended_.contains(key(ref)); }
  const std::vector<core::Event>& journal() const { return journal_; }
  void check_points(const core::State& state) const;
  const std::set<Key>& in_spools() const { return in_spools_; }

 private:
  void take(const core::Event& event, const Batch& batch);
  void take(const core::Leased& leased, Instant at);
  void take(const core::Ended& ended, const Batch& batch);
  void take(const core::Resumed& resumed);
  void check_files(const core::Ended& ended) const;

  std::vector<core::Event> journal_;
  std::map<Key, std::string> leased_to_;  // as committed
  std::map<Key, std::uint64_t> received_by_;
  std::set<Key> ended_, in_spools_, mixed_;
  std::map<std::string, std::pair<int, std::map<std::string, std::string>>>
      files_;  // by point: attempt, files
  std::map<std::string, core::AgentInfo> agents_;
  std::set<std::string> gone_, quarantined_, withdrawn_;
  std::map<std::string, Instant> job_ends_;
  bool ending_ = false;                       // no new attempt may begin
  std::map<std::string, int> accepted_;       // point -> attempt, as committed
  std::map<Key, std::string> reported_ends_;  // content of Finished
};

}  // namespace sweep::sim
