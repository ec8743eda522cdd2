// Measures how long each phase of an attempt takes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "proto/base/account.hpp"

namespace sweep::agent {

class PhaseClock {
 public:
  /// Ends the current phase and begins `name`. No-op if that is the current phase.
  void enter(const std::string& name, Instant now);
  /// Gives the current phase another name.
  void rename(const std::string& name) { name_ = name; }
  /// Returns the current phase; "start" before the first.
  const std::string& name() const { return name_; }
  bool started() const { return since_.has_value(); }
  /// Returns all phases; the last one is measured up to `end`.
  std::vector<PhaseTime> times(Instant end) const;

 private:
  std::string name_ = "start";
  std::optional<Instant> since_;
  std::vector<PhaseTime> past_;
};

}  // namespace sweep::agent
