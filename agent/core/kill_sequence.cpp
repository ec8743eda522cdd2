#include "agent/core/kill_sequence.hpp"

#include <algorithm>

namespace sweep::agent {

KillSequence::Signal KillSequence::begin(Millis grace, Instant now) {
  grace_ = grace;
  if (grace <= Millis(0)) return kill(now);
  last_sent_ = Signal::Term;
  deadline_ = now + grace;
  return Signal::Term;
}

KillSequence::Signal KillSequence::kill(Instant now) {
  if (last_sent_ == Signal::Kill) return Signal::None;
  last_sent_ = Signal::Kill;
  deadline_ = now + std::max(grace_, least_wait_);
  return Signal::Kill;
}

void KillSequence::hurry(Millis grace, Instant now) {
  if (last_sent_ == Signal::Term) deadline_ = std::min(deadline_, now + grace);
}

KillSequence::Signal KillSequence::escalate(Instant now) {
  if (last_sent_ == Signal::Term) return kill(now);
  gave_up_ = true;
  return Signal::None;
}

}  // namespace sweep::agent
