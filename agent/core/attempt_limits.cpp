#include "agent/core/attempt_limits.hpp"

#include "agent/core/duration_text.hpp"

namespace sweep::agent {

namespace {

/// Sets `next` to the limit `ms` after `from` if that is earlier. 0: there is no such limit.
void consider(std::optional<TimeLimit>& next, Instant from, std::int64_t ms, const std::string& what,
              const std::string& remedy = {}) {
  if (ms <= 0) return;
  const Instant at = from + Millis(ms);
  if (!next || at < next->at) next = TimeLimit{at, what + duration_text(Millis(ms)) + remedy};
}

void consider_point(std::optional<TimeLimit>& next, const wire::Lease& lease, Instant from) {
  consider(next, from, lease.timeouts.point_ms, "the point did not end within ");
}

/// The limits of a script. Without a line that shows a server, all of its time is the benchmark's.
void consider_script(std::optional<TimeLimit>& next, const wire::Timeouts& timeouts, ServerOf server,
                     const AttemptTimes& times) {
  const bool has_server = server == ServerOf::Script;
  if (times.ready_at) {
    consider(
        next, *times.ready_at, timeouts.benchmark_ms,
        std::string(has_server ? "the server was ready, but " : "") + "the benchmark did not end within ");
  } else if (has_server) {
    consider(next, *times.started_at, timeouts.server_ms, "the server was not ready within ",
             "; if it prints another line when it is ready, set script: { ready: REGEX } in the profile");
  } else {
    consider(next, *times.started_at, timeouts.benchmark_ms, "the benchmark did not end within ",
             "; if it was still starting a server, set script: { ready: REGEX } in the profile");
  }
}

}  // namespace

std::optional<TimeLimit> limit_while_waiting(const wire::Lease& lease, const AttemptTimes& times) {
  std::optional<TimeLimit> next;
  if (times.waiting_since) consider_point(next, lease, *times.waiting_since);
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
    consider(next, started_at, lease.server.warm_up_ms, "the client's main run did not begin within ");
  consider(next, times.ready_at.value_or(started_at), timeouts.benchmark_ms,
           "the benchmark did not end within ");
  return next;
}

}  // namespace sweep::agent
