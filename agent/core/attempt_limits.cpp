#include "agent/core/attempt_limits.hpp"

#include <algorithm>

#include "agent/core/duration_text.hpp"

namespace sweep::agent {

namespace {

/// Sets `next` to the limit `ms` after `from` if that is earlier; 0: there is no such limit. Its reason is
/// `what`, the duration, the `key` of the profile's timeouts, and `remedy`.
void consider(std::optional<TimeLimit>& next, Instant from, std::int64_t ms, const std::string& what,
              const std::string& key, const std::string& remedy = {}) {
  if (ms <= 0) return;
  const Instant at = from + Millis(ms);
  if (next && at >= next->at) return;
  next = TimeLimit{at, what + duration_text(Millis(ms)) + " (timeouts: " + key + ")" + remedy};
}

void consider_point(std::optional<TimeLimit>& next, const wire::Lease& lease, Instant from) {
  consider(next, from, lease.timeouts.point_ms, "the point did not end within ", "point");
}

/// Considers the limits of a script. Without a line that shows a server, all of its time is the benchmark's.
void consider_script(std::optional<TimeLimit>& next, const wire::Timeouts& timeouts, ServerOf server,
                     const AttemptTimes& times) {
  const std::string ended = "the benchmark did not end within ";
  const std::string set_ready = "set script: { ready: REGEX } in the profile";
  if (times.ready_at) {
    const std::string ready = server == ServerOf::Script ? "the server was ready, but " : "";
    consider(next, *times.ready_at, timeouts.benchmark_ms, ready + ended, "benchmark");
  } else if (server == ServerOf::Script) {
    consider(next, *times.started_at, timeouts.server_ms, "the server was not ready within ", "server",
             "; if it prints another line when it is ready, " + set_ready);
  } else {
    consider(next, *times.started_at, timeouts.benchmark_ms, ended, "benchmark",
             "; if it was still starting a server, " + set_ready);
  }
}

}  // namespace

Instant AttemptTimes::end(Instant now) const {
  Instant out = ended_at.value_or(now);
  for (const auto& begun : {waiting_since, started_at, ready_at})
    out = std::max(out, begun.value_or(out));
  return out;
}

std::optional<TimeLimit> limit_while_waiting(const wire::Lease& lease, const AttemptTimes& times) {
  std::optional<TimeLimit> next;
  if (times.waiting_since) consider_point(next, lease, *times.waiting_since);
  return next;
}

std::optional<TimeLimit> limit_while_evaluating(const wire::Lease& lease, const AttemptTimes& times) {
  std::optional<TimeLimit> next;
  consider_point(next, lease, times.waiting_since.value_or(*times.started_at));
  return next;
}

std::optional<TimeLimit> limit_while_running(const wire::Lease& lease, ServerOf server,
                                             const AttemptTimes& times) {
  const wire::Timeouts& timeouts = lease.timeouts;
  const Instant started_at = *times.started_at;
  std::optional<TimeLimit> next;
  consider_point(next, lease, times.waiting_since.value_or(started_at));
  if (server != ServerOf::Agent) {
    consider_script(next, timeouts, server, times);
    return next;
  }
  if (!times.ready_at)
    consider(next, started_at, lease.server.warm_up_ms, "the client's main run did not begin within ",
             "warm-up");
  consider(next, times.ready_at.value_or(started_at), timeouts.benchmark_ms,
           "the benchmark did not end within ", "benchmark");
  return next;
}

}  // namespace sweep::agent
