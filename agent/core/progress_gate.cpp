#include "agent/core/progress_gate.hpp"

namespace sweep::agent {

std::optional<PhaseProgress> ProgressGate::take(Instant now) {
  const auto due = deadline();
  if (!due || now < *due) return std::nullopt;
  told_at_ = now;
  return told_ = current_;
}

std::optional<PhaseProgress> ProgressGate::take_last() {
  if (!is_news()) return std::nullopt;
  return told_ = current_;
}

std::optional<Instant> ProgressGate::deadline() const {
  if (!is_news()) return std::nullopt;
  if (!told_ || told_->phase != current_->phase) return told_at_;  // at once
  return told_at_ + spacing_;
}

}  // namespace sweep::agent
