#include "agent/core/server_pool.hpp"

#include <algorithm>

#include "util/text.hpp"

namespace sweep::agent {

Server* ServerPool::find(const AttemptRef& ref) {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [&](const Server& server) { return server.ref() == ref; });
  return found == servers_.end() ? nullptr : &*found;
}

Attempt* ServerPool::attempt_of(const Server& server) {
  if (!server.attempt()) return nullptr;
  const auto found = std::find_if(attempts_.begin(), attempts_.end(),
                                  [&](const Attempt& attempt) { return attempt.ref() == *server.attempt(); });
  return found == attempts_.end() ? nullptr : &*found;
}

std::optional<std::vector<std::string>> ServerPool::gpus_of_warm(const wire::Lease& lease) const {
  for (const Server& server : servers_) {
    if (server.usable() && !server.attempt() && server.key() == lease.server.key &&
        server.gpus().size() == static_cast<std::size_t>(lease.gpus))
      return server.gpus();
  }
  return std::nullopt;
}

std::vector<std::string> ServerPool::preferred_gpus(const std::vector<std::string>& all) const {
  std::vector<std::string> out, of_servers;
  for (auto server = servers_.rbegin(); server != servers_.rend(); ++server)
    of_servers.insert(of_servers.end(), server->gpus().begin(), server->gpus().end());
  for (const std::string& gpu : all) {
    if (!contains(of_servers, gpu)) out.push_back(gpu);
  }
  for (const std::string& gpu : of_servers) {
    if (!contains(out, gpu)) out.push_back(gpu);
  }
  return out;
}

std::vector<int> ServerPool::ports() const {
  std::vector<int> ports;
  for (const Server& server : servers_) {
    if (server.port() != 0) ports.push_back(server.port());
  }
  return ports;
}

bool ServerPool::preparing() const {
  return std::any_of(servers_.begin(), servers_.end(), [](const Server& s) { return s.preparing(); });
}

bool ServerPool::make_room(Attempt& attempt, Instant now, Actions& out) {
  bool free = true;
  for (Server& server : servers_) {
    if (server.gone() || !server.overlaps(attempt.gpus())) continue;
    const bool same = attempt.needs_server() && server.key() == attempt.server_key() &&
                      server.gpus() == attempt.gpus() && server.usable() && !server.attempt();
    if (same && !attempt.server()) {
      server.assign(attempt.ref(), now, out);
      attempt.set_server(server.ref(), false);
      continue;
    }
    if (!server.attempt()) server.stop(std::nullopt, now, out);
    if (!server.gone()) free = false;
  }
  return free;
}

void ServerPool::start(Attempt& attempt, std::vector<int> ports_in_use, Instant now, Actions& out) {
  Server& server = servers_.emplace_front(setup_, ++started_, attempt.server_plan());
  server.assign(attempt.ref(), now, out);
  attempt.set_server(server.ref(), true);
  server.begin(std::move(ports_in_use), out);
}

void ServerPool::report_failures(Instant now, Actions& out) {
  for (Server& server : servers_) {
    Attempt* attempt = attempt_of(server);
    if (attempt != nullptr && server.take_restarted() && !attempt->waiting())
      attempt->add_flaw("server-restarted: the server reported again that it is ready");
    if (attempt == nullptr || server.usable()) continue;
    if (attempt->waiting() && !server.gone()) {
      attempt->wait_in_phase("stop", {}, now, out);
    } else if (attempt->waiting() && (server.failed_on_reuse() || !server.failure())) {
      attempt->set_server(std::nullopt, false);
      server.release();
    } else if (server.failure()) {
      attempt->server_failed(*server.failure(), server.last_lines(), now, out);
    }
  }
}

void ServerPool::reclaim(Instant now, Actions& out) {
  for (auto at = servers_.begin(); at != servers_.end();) {
    const auto server = at++;
    if (!server->attempt()) continue;
    const Attempt* attempt = attempt_of(*server);
    if (attempt != nullptr && !attempt->over()) continue;
    const bool hung =
        attempt != nullptr && attempt->outcome_kind() == OutcomeKind::TimedOut && server->ready();
    server->release();
    if (hung) server->stop(std::nullopt, now, out);
    servers_.splice(servers_.begin(), servers_, server);
  }
}

void ServerPool::remove_gone() {
  servers_.remove_if([](const Server& server) { return server.gone() && !server.attempt(); });
}

void ServerPool::stop(bool idle_only, std::optional<Millis> longest_grace, Instant now, Actions& out) {
  for (Server& server : servers_) {
    if (!idle_only || !server.attempt()) server.stop(longest_grace, now, out);
  }
}

void ServerPool::kill(Instant now, Actions& out) {
  for (Server& server : servers_)
    server.kill(now, out);
}

void ServerPool::on_deadline(Instant now, Actions& out) {
  for (Server& server : servers_)
    server.on_deadline(now, out);
}

std::optional<Instant> ServerPool::next_deadline() const {
  std::optional<Instant> next;
  for (const Server& server : servers_)
    next = earlier(next, server.next_deadline());
  return next;
}

}  // namespace sweep::agent
