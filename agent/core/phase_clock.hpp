// Which phase an attempt is in, and how long each took.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/base/account.hpp"

namespace sweep::agent {

class PhaseClock {
 public:
  /// Ends the phase before it. The same phase again goes on.
  void enter(const std::string& name, Instant now);
  /// The current one turns out to be another.
  void rename(const std::string& name) { name_ = name; }
  /// "start" before the first.
  const std::string& name() const { return name_; }
  bool started() const { return since_.has_value(); }
  /// All of them, the last one up to `end`.
  std::vector<PhaseTime> times(Instant end) const;

 private:
  std::string name_ = "start";
  std::optional<Instant> since_;
  std::vector<PhaseTime> past_;
};

}  // namespace sweep::agent
