// The way of all output from this agent to the controller: how much of each attempt's output is sent
// (OutputLimit), and when reading it has to pause because the controller has not handled what was sent.
//
// Without that pause a benchmark that prints faster than the controller writes would fill the memory of both.
// A paused benchmark blocks when its pipe is full.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "agent/core/actions.hpp"
#include "agent/core/output_limit.hpp"

namespace sweep::agent {

class OutputFlow {
 public:
  /// As in Welcome: the most bytes per attempt, and the most bytes that the controller has not handled; 0: no
  /// limit.
  void set(std::int64_t log_limit, std::int64_t log_window);

  /// Replaces the LogChunks in `out`, all of which will be sent, by those that the limit allows, adds the
  /// ends of outputs before the first Finished of their attempts, and PauseOutput if necessary.
  void apply(Actions& out);
  /// The controller has handled that many bytes of LogChunks.
  void on_credit(std::int64_t bytes, Actions& out);
  /// What was on its way on the old connection is lost or handled.
  void on_new_connection(Actions& out);
  /// The attempt is settled.
  void forget(const AttemptRef& ref) { limits_.erase(key(ref)); }

 private:
  using Key = std::pair<std::string, int>;
  static Key key(const AttemptRef& ref) { return {ref.point, ref.attempt}; }
  void add_chunk(Send& chunk, Actions& out);
  void add_ends(const AttemptRef& ref, Actions& out);
  void pause_or_resume(Actions& out);

  std::int64_t limit_ = 0, window_ = 0, in_flight_ = 0;
  bool paused_ = false;
  std::map<Key, OutputLimit> limits_;
};

}  // namespace sweep::agent
