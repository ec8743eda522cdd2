#include "agent/core/attempt_starter.hpp"

#include <algorithm>

#include "agent/core/contained.hpp"

namespace sweep::agent {

void AttemptStarter::advance(Instant now, Actions& out) {
  if (servers_.empty() && attempts_.empty()) return;
  servers_.report_failures(now, out);
  servers_.reclaim(now, out);
  for (Attempt& attempt : attempts_) {
    if (attempt.waiting()) advance(attempt, now, out);
  }
  images_.forget_failures();
  if (ending_) servers_.stop(true, std::nullopt, now, out);
  servers_.remove_gone();
}

void AttemptStarter::advance(Attempt& attempt, Instant now, Actions& out) {
  if (!has_image(attempt, now, out)) return;
  stage_next(attempt.container(), out);
  if (!attempt.server() && !servers_.make_room(attempt, now, out))
    return attempt.wait_in_phase("stop", {}, now, out);
  if (!attempt.server() && !attempt.idle_check_done(samples_expected_, now))
    return attempt.wait_in_phase("idle-check", {}, now, out);
  if (!attempt.needs_server() && !something_prepares()) return attempt.begin(ports_in_use(), 0, out);
  if (!attempt.needs_server()) return;
  if (!attempt.server() && !something_prepares()) servers_.start(attempt, ports_in_use(), now, out);
  const Server* server = attempt.server() ? servers_.find(*attempt.server()) : nullptr;
  if (server == nullptr) return;
  if (server->ready()) return attempt.begin(ports_in_use(), server->port(), out);
  attempt.wait_in_phase(server->phase(), server->loading_progress(), now, out);
}

/// Returns true if the attempt needs no image or its image is staged. If staging failed, the attempt ends.
bool AttemptStarter::has_image(Attempt& attempt, Instant now, Actions& out) {
  const auto* missing = attempt.missing_image();
  if (missing == nullptr) return true;
  const Images::Image& image = images_.ensure(*missing, Millis(attempt.container().image_ms), now, out);
  if (image.failure) {
    attempt.refuse(*image.failure, now, out);
  } else if (image.staged) {
    attempt.set_image(*image.staged);
  } else {
    attempt.wait_in_phase("image", bar_of(image.progress), now, out);
  }
  return image.staged.has_value();
}

/// Stages the image that the next lease will probably need, while this attempt runs.
void AttemptStarter::stage_next(const ContainerSpec& container, Actions& out) {
  if (container.next.empty() || ending_) return;
  ContainerSpec next = container;
  next.image = container.next;
  if (const auto request = stage_request(setup_, next)) images_.prefetch(*request, out);
}

std::vector<int> AttemptStarter::ports_in_use() const {
  std::vector<int> ports;
  for (const Attempt& attempt : attempts_) {
    if (attempt.port() != 0) ports.push_back(attempt.port());
  }
  const std::vector<int> of_servers = servers_.ports();
  ports.insert(ports.end(), of_servers.begin(), of_servers.end());
  return ports;
}

/// Returns true while a process waits for its port: the next one can be prepared when that port is known.
bool AttemptStarter::something_prepares() const {
  return servers_.preparing() ||
         std::any_of(attempts_.begin(), attempts_.end(), [](const Attempt& a) { return a.preparing(); });
}

}  // namespace sweep::agent
