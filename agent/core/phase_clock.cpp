#include "agent/core/phase_clock.hpp"

#include <algorithm>

namespace sweep::agent {

void PhaseClock::enter(const std::string& name, Instant now) {
  if (since_ && name == name_) return;
  past_ = times(now);
  name_ = name;
  since_ = now;
}

std::vector<PhaseTime> PhaseClock::times(Instant end) const {
  auto out = past_;
  if (since_) out.push_back({name_, std::max(Millis(0), end - *since_)});
  return out;
}

}  // namespace sweep::agent
