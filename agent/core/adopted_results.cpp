#include "agent/core/adopted_results.hpp"

#include <algorithm>

namespace sweep::agent {

void AdoptedResults::send(Result& result, Instant now, Actions& out) const {
  result.resend_at = now + resend_;
  out.emplace_back(Send{result.finished, result.bytes});
}

void AdoptedResults::add(const Adopted& input, Instant now, Actions& out) {
  more_ = input.more;
  send(results_.emplace_back(Result{input.finished, input.bytes, {}}), now, out);
}

void AdoptedResults::on_reconnected(Instant now, Actions& out) {
  for (Result& result : results_)
    send(result, now, out);
}

std::list<AdoptedResults::Result>::iterator AdoptedResults::find(const AttemptRef& ref) {
  return std::find_if(results_.begin(), results_.end(),
                      [&](const Result& result) { return result.finished.ref == ref; });
}

void AdoptedResults::on_fetch(const wire::Fetch& fetch, Instant now, Actions& out) {
  const auto result = find(fetch.ref);
  if (result == results_.end()) return;
  if (static_cast<std::size_t>(fetch.file) >= result->finished.files.size()) return send(*result, now, out);
  out.emplace_back(ReadPiece{fetch.ref, result->finished.of, fetch.file, fetch.offset});
}

void AdoptedResults::on_settled(const AttemptRef& ref, Actions& out) {
  const auto result = find(ref);
  if (result == results_.end()) return;
  out.emplace_back(DropSpooled{ref, result->finished.of});
  results_.erase(result);
}

void AdoptedResults::on_deadline(Instant now, Actions& out) {
  for (Result& result : results_) {
    if (now >= result.resend_at) send(result, now, out);
  }
}

std::optional<Instant> AdoptedResults::next_deadline() const {
  std::optional<Instant> next;
  for (const Result& result : results_)
    next = earlier(next, result.resend_at);
  return next;
}

}  // namespace sweep::agent
