// How an attempt is stopped: deadlines, requests, and the steps from SIGTERM to giving up.
#include <algorithm>

#include "agent/core/attempt.hpp"
#include "agent/core/in_words.hpp"

namespace sweep::agent {

std::optional<Attempt::Limit> Attempt::next_limit() const {
  const bool waits = stage_ == Stage::Waiting && waits_since_;
  if ((stage_ != Stage::Running && !waits) || verdict_) return std::nullopt;
  std::optional<Limit> next;
  const auto consider = [&](Instant from, std::int64_t ms, const std::string& what) {
    if (ms <= 0) return;
    if (!next || from + Millis(ms) < next->at) next = Limit{from + Millis(ms), what + in_words(Millis(ms))};
  };
  const wire::Timeouts& timeouts = work_.lease.timeouts;
  consider(waits_since_ ? *waits_since_ : *started_at_, timeouts.point_ms, "the point did not end within ");
  if (waits) return next;  // the server has its own
  if (needs_server()) {
    if (!ready_at_)
      consider(*started_at_, work_.lease.server.warm_up_ms, "the client's main run did not begin within ");
    consider(ready_at_ ? *ready_at_ : *started_at_, timeouts.benchmark_ms,
             "the benchmark did not end within ");
  } else if (ready_at_) {
    consider(*ready_at_, timeouts.benchmark_ms,
             "the server was ready, but the benchmark did not end within ");
  } else {
    consider(*started_at_, timeouts.server_ms, "the server was not ready within ");
  }
  return next;
}

void Attempt::stop(OutcomeKind kind, std::string reason, std::optional<Millis> longest_grace, Instant now,
                   Actions& out) {
  if (over() || stage_ == Stage::Reading) return;
  const bool ended_by_itself =
      ended_.has_value() && !(kind == OutcomeKind::Preempted && was_ended_by_outside_signal());
  if (!verdict_ && !ended_by_itself) {
    Outcome verdict;
    verdict.kind = kind;
    verdict.reason = std::move(reason);
    verdict.phase = clock_.name();
    verdict_ = std::move(verdict);
  }
  if (stage_ == Stage::Doubtful || waiting()) return decide(now, out);
  const Millis grace = std::min(work_.kill_grace, longest_grace.value_or(Millis::max()));
  grace_ = grace;
  if (!processes_live()) return;  // not started yet: at once when it is
  if (kill_ == Kill::None) return begin_kill(grace, now, out);
  if (kill_ == Kill::Term) kill_at_ = std::min(kill_at_, now + grace);
}

void Attempt::begin_kill(Millis grace, Instant now, Actions& out) {
  grace_ = grace;
  if (grace <= Millis(0)) return kill(now, out);
  kill_ = Kill::Term;
  kill_at_ = now + grace;
  out.emplace_back(SignalGroup{ref(), false});
}

void Attempt::kill(Instant now, Actions& out) {
  if (!processes_live() || kill_ == Kill::Kill) return;
  kill_ = Kill::Kill;
  kill_at_ = now + std::max(grace_, setup_.limits.stop_grace);
  out.emplace_back(SignalGroup{ref(), true});
}

void Attempt::escalate(Instant now, Actions& out) {
  if (kill_ == Kill::Term) return kill(now, out);
  gave_up_ = true;
  if (work_.contained) out.emplace_back(SignalGroup{ref(), true});  // the supervisor, which has not ended all
  decide(now, out);
}

void Attempt::on_time(Instant now, Actions& out) {
  if (finished()) {
    if (now >= say_again_at_) send_finished(now, out);
    return;
  }
  if (const auto limit = next_limit(); limit && now >= limit->at) {
    stop(OutcomeKind::TimedOut, limit->reason, std::nullopt, now, out);
  } else if (processes_live() && kill_ != Kill::None && now >= kill_at_) {
    escalate(now, out);
  } else if (stage_ == Stage::Doubtful && now >= *ended_at_ + setup_.limits.signal_lag) {
    decide(now, out);
  }
  if (!over()) tell_progress(gate_.take(now), out);
}

std::optional<Instant> Attempt::next_deadline() const {
  if (finished()) return say_again_at_;
  if (over()) return std::nullopt;
  std::optional<Instant> next = gate_.deadline();
  if (const auto limit = next_limit()) next = earlier(next, limit->at);
  if (processes_live() && kill_ != Kill::None) next = earlier(next, kill_at_);
  if (stage_ == Stage::Doubtful) next = earlier(next, *ended_at_ + setup_.limits.signal_lag);
  if (waiting()) next = earlier(next, watch_.deadline());
  return next;
}

}  // namespace sweep::agent
