#include "benchmarks/sweep-simserver/core/kv_transfer.hpp"

#include <algorithm>

namespace sweep::sim_server {

Expected<void> KvTransfer::submit(const Sequence& sequence, Time now) {
  SWEEP_TRY(worker_->submit(sequence, now));
  expected_.insert(sequence.id);
  return {};
}

bool KvTransfer::cancel(std::uint64_t id) {
  worker_->cancel(id);
  return expected_.erase(id) > 0;
}

std::optional<Time> KvTransfer::next_time() const {
  const std::optional<Time> next = worker_->next_time();
  if (moving_.empty()) return next;
  return next ? std::min(*next, moving_.front().at) : moving_.front().at;
}

void KvTransfer::advance(Time now, std::vector<TokenEvent>& out) {
  computed_.clear();
  worker_->advance(now, computed_);
  for (TokenEvent event : computed_) {
    event.at += transfer_;
    moving_.push_back(event);
  }
  for (; !moving_.empty() && moving_.front().at <= now; moving_.pop_front()) {
    const TokenEvent& event = moving_.front();
    if (!expected_.contains(event.id)) continue;
    if (event.last) expected_.erase(event.id);
    out.push_back(event);
  }
}

}  // namespace sweep::sim_server
