#include "controller/io/pending_decisions.hpp"

#include <algorithm>
#include <iterator>

#include "controller/view/lines.hpp"
#include "util/os/clock.hpp"

namespace sweep {

core::Decision PendingDecisions::decide(const core::Command& command, std::optional<ReceivedResult> result) {
  core::Decision decision =
      core::advance(sweep_.state, command, now(),
                    [&](const core::State&, const core::Event& event) { record(event, result); });
  if (!decision.rejected.empty()) log_.peer_fault(decision.rejected);
  return decision;
}

void PendingDecisions::record(const core::Event& event, std::optional<ReceivedResult>& result) {
  batch.events.push_back(event);
  const std::string line = view::event_line(sweep_.plan, sweep_.state, event, sweep_.facts, console_.style());
  if (!line.empty()) lines.push_back(line);
  const auto* ended = std::get_if<core::Ended>(&event.what);
  if (ended == nullptr) return;
  sweep_.facts.progress.erase({ended->ref.point, ended->ref.attempt});
  if (ended->outcome.kind != OutcomeKind::Ok || !result) return;
  batch.results.push_back({ended->ref, core::find_attempt(sweep_.state, ended->ref)->node, ended->accepted,
                           std::move(result->raw)});
  processed.push_back(std::move(result->processed));
  result.reset();
}

void PendingDecisions::send_later(core::Decision decision) {
  outbox.insert(outbox.end(), std::make_move_iterator(decision.replies.begin()),
                std::make_move_iterator(decision.replies.end()));
}

bool PendingDecisions::urgent() const {
  return !outbox.empty() ||
         std::any_of(batch.events.begin(), batch.events.end(), [](const core::Event& event) {
           return !std::holds_alternative<core::Started>(event.what);
         });
}

}  // namespace sweep
