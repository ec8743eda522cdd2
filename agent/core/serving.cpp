// Which attempt gets which server: serve() looks after every input, and moves on what can move.
//
// An attempt that has its GPUs waits here until nothing else is on them: a server of its own key that nobody
// has is taken, any other is stopped. Then it begins, or its own server is started first.
#include <algorithm>

#include "agent/core/agent.hpp"
#include "agent/core/contained.hpp"
#include "util/text.hpp"

namespace sweep::agent {

Server* Agent::find_server(const AttemptRef& ref) {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [&](const Server& server) { return server.ref() == ref; });
  return found == servers_.end() ? nullptr : &*found;
}

void Agent::serve(Instant now, Actions& out) {
  if (servers_.empty() && attempts_.empty()) return;
  tell_of_failures(now, out);
  take_back(now, out);
  for (Attempt& attempt : attempts_) {
    if (attempt.waiting()) see_to(attempt, now, out);
  }
  images_.forget_failures();
  if (drain_ || leaving_) stop_servers(true, std::nullopt, now, out);
  servers_.remove_if([](const Server& server) { return server.gone() && !server.taken_by(); });
}

/// A server that has failed takes the attempt that has it with it, unless another one may do.
void Agent::tell_of_failures(Instant now, Actions& out) {
  for (Server& server : servers_) {
    Attempt* attempt = server.taken_by() ? find(*server.taken_by()) : nullptr;
    if (attempt != nullptr && server.take_restarted() && !attempt->waiting())
      attempt->doubt("server-restarted: the server has said again that it is ready");
    if (attempt == nullptr || server.usable()) continue;
    if (attempt->waiting() && !server.gone()) {
      attempt->waits_in("stop", {}, now, out);
    } else if (attempt->waiting() && (server.failure_is_old() || !server.failure())) {
      attempt->give_server(std::nullopt, false);
      server.let_go();
    } else if (server.failure()) {
      attempt->server_failed(*server.failure(), server.says(), now, out);
    }
  }
}

/// Servers whose attempt is over. One under which a benchmark did not end in time is not trusted.
void Agent::take_back(Instant now, Actions& out) {
  for (auto at = servers_.begin(); at != servers_.end();) {
    const auto server = at++;
    if (!server->taken_by()) continue;
    const Attempt* attempt = find(*server->taken_by());
    if (attempt != nullptr && !attempt->over()) continue;
    const bool hung = attempt != nullptr && attempt->end() == OutcomeKind::TimedOut && server->ready();
    server->let_go();
    if (hung) server->stop(std::nullopt, now, out);
    servers_.splice(servers_.begin(), servers_, server);
  }
}

std::vector<int> Agent::ports_in_use() const {
  std::vector<int> ports;
  for (const Attempt& attempt : attempts_) {
    if (attempt.port() != 0) ports.push_back(attempt.port());
  }
  for (const Server& server : servers_) {
    if (server.port() != 0) ports.push_back(server.port());
  }
  return ports;
}

/// One at a time: the next one must know the port of this one.
bool Agent::something_prepares() const {
  return std::any_of(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.preparing(); }) ||
         std::any_of(servers_.begin(), servers_.end(), [](const Server& s) { return s.preparing(); });
}

/// Takes the attempt's server, or stops what has its GPUs. Whether nothing is in its way any more.
bool Agent::make_room(Attempt& attempt, Instant now, Actions& out) {
  bool free = true;
  for (Server& server : servers_) {
    if (server.gone() || !server.overlaps(attempt.gpus())) continue;
    const bool same = attempt.needs_server() && server.key() == attempt.server_key() &&
                      server.gpus() == attempt.gpus() && server.usable() && !server.taken_by();
    if (same && !attempt.server()) {
      server.take(attempt.ref(), now, out);
      attempt.give_server(server.ref(), false);
      continue;
    }
    if (!server.taken_by()) server.stop(std::nullopt, now, out);
    if (!server.gone()) free = false;
  }
  return free;
}

void Agent::start_server(Attempt& attempt, Instant now, Actions& out) {
  Server& server = servers_.emplace_front(setup_, ++servers_started_, attempt.server_plan());
  server.take(attempt.ref(), now, out);
  attempt.give_server(server.ref(), true);
  server.begin(ports_in_use(), out);
}

void Agent::take(const StageTold& input, Instant, Actions&) {
  images_.on(input);
}

/// Whether the attempt's image is here; otherwise it waits for it, or has failed for want of it.
bool Agent::has_image(Attempt& attempt, Instant now, Actions& out) {
  const auto* wanted = attempt.wanted_image();
  if (wanted == nullptr) return true;
  const Images::Image& image = images_.want(*wanted, Millis(attempt.container().image_ms), now, out);
  if (image.failure) {
    attempt.refuse(*image.failure, now, out);
  } else if (image.staged) {
    attempt.give_image(*image.staged);
  } else {
    attempt.waits_in("image", bar_of(image.progress), now, out);
  }
  return image.staged.has_value();
}

/// The image of what is likely to come next, while this one runs.
void Agent::stage_next(const ContainerSpec& container, Actions& out) {
  if (container.next.empty() || leaving_ || drain_) return;
  ContainerSpec next = container;
  next.image = container.next;
  if (const auto request = stage_request(setup_, next)) images_.want_ahead(*request, out);
}

void Agent::see_to(Attempt& attempt, Instant now, Actions& out) {
  if (!has_image(attempt, now, out)) return;
  stage_next(attempt.container(), out);
  if (!attempt.server() && !make_room(attempt, now, out)) return attempt.waits_in("stop", {}, now, out);
  if (!attempt.server() && !attempt.may_start(samples_come_, now))
    return attempt.waits_in("idle-check", {}, now, out);
  if (!attempt.needs_server() && !something_prepares()) return attempt.begin(ports_in_use(), 0, out);
  if (!attempt.needs_server()) return;
  if (!attempt.server() && !something_prepares()) start_server(attempt, now, out);
  const Server* server = attempt.server() ? find_server(*attempt.server()) : nullptr;
  if (server == nullptr) return;
  if (server->ready()) return attempt.begin(ports_in_use(), server->port(), out);
  attempt.waits_in(server->phase(), server->loaded(), now, out);
}

void Agent::stop_servers(bool idle_ones, std::optional<Millis> longest_grace, Instant now, Actions& out) {
  for (Server& server : servers_) {
    if (!idle_ones || !server.taken_by()) server.stop(longest_grace, now, out);
  }
}

}  // namespace sweep::agent
