#include "benchmarks/sweep-simserver/core/fixed_pace.hpp"

#include <algorithm>

namespace sweep::sim_server {

Expected<void> FixedPace::submit(const Sequence& sequence, Time now) {
  output_tokens_[sequence.id] = sequence.output_tokens;
  const Due due{now + (sequence.prefilled ? Time{} : ttft_), sequence.id, 0};
  // The queue stays in order: sequences of one server are all prefilled, or none is.
  first_.push_back(due);
  return {};
}

std::optional<Time> FixedPace::next_time() const {
  if (first_.empty() && next_.empty()) return std::nullopt;
  if (first_.empty()) return next_.front().at;
  if (next_.empty()) return first_.front().at;
  return std::min(first_.front().at, next_.front().at);
}

void FixedPace::advance(Time now, std::vector<TokenEvent>& out) {
  while (true) {
    const bool first = !first_.empty() && (next_.empty() || first_.front().at <= next_.front().at);
    std::deque<Due>& queue = first ? first_ : next_;
    if (queue.empty() || queue.front().at > now) return;
    const Due due = queue.front();
    queue.pop_front();
    const auto entry = output_tokens_.find(due.id);
    if (entry == output_tokens_.end()) continue;
    const bool last = due.index + 1 == entry->second;
    out.push_back({due.id, due.index, last, due.at});
    if (last) {
      output_tokens_.erase(entry);
    } else {
      next_.push_back({due.at + itl_, due.id, due.index + 1});
    }
  }
}

}  // namespace sweep::sim_server
