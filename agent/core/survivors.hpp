// Attempts that have ended although processes of theirs survived SIGKILL, for example because they belong to another user.
// Such a process may still write its result file, which the next attempt at the point would take for its own. Pure.
#pragma once

#include <string>
#include <vector>

#include "agent/core/attempt.hpp"

namespace sweep::agent {

class Survivors {
 public:
  /// Remembers an attempt that is settled, if processes of it are left.
  void add(const Attempt& attempt);
  /// Forgets an attempt whose last process has ended.
  void on_gone(const AttemptRef& ref);
  /// Returns an error if a process of an earlier attempt may write `result_path`.
  Expected<void> check(const std::string& result_path) const;

 private:
  struct Survivor {
    AttemptRef ref;
    std::string result_path;
  };
  std::vector<Survivor> all_;
};

}  // namespace sweep::agent
