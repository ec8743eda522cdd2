#include "tests/sim/servers.hpp"

#include <algorithm>
#include <csignal>

#include "util/text.hpp"

namespace sweep::sim {

namespace {

constexpr const char* kReset = "/reset";

bool has_reset(const std::string& key) {
  return key == "key0";
}

}  // namespace

// key0 has a health and a reset URL, key1 only a health URL, key2 prints a line when it is ready.
wire::ServerSpec server_spec(const std::string& key, const Scenario& scenario) {
  wire::ServerSpec spec;
  spec.key = key;
  spec.command = {"serve", key};
  if (key == "key2") {
    spec.ready_log = "server ready";
  } else {
    spec.ready_url = "/health";
    spec.health_url = "/health";
  }
  if (has_reset(key)) spec.reset_url = kReset;
  spec.start_ms = scenario.timeouts.server_ms / 2;
  spec.progress_ms = 5'000;
  spec.longest_ms = 2 * scenario.timeouts.server_ms;
  spec.reset_ms = 2'000;
  return spec;
}

void Servers::start(const agent::Spawn& what) {
  Random& random = sim_.random;
  if (random.per_mille(sim_.faults.broken_node)) return report_(agent::NotPrepared{what.ref, "cannot fork"});
  if (random.per_mille(sim_.faults.fails / 4))
    return report_(agent::StartFailed{what.ref, "no such program"});
  Server server;
  server.serial = ++serials_;
  server.port = port_of(what);
  server.devices = devices_of(what);
  server.ignores_term = random.per_mille(sim_.faults.fails / 2);
  server.cannot_die = random.per_mille(sim_.faults.fails / 20);
  server.unresponsive = random.per_mille(sim_.faults.fails / 10);
  const auto [at, fresh] = running_.emplace(what.ref.attempt, server);
  if (!fresh) violation(name_of(what.ref) + " is started twice by one agent");
  past_[server.port] = {what.argv.at(1)};
  ++sim_.servers;
  report_(agent::ProcessStarted{what.ref, static_cast<std::int64_t>(100'000 + server.serial)});
  plan(what.ref, server);
}

void Servers::plan(const wire::AttemptRef& ref, const Server& server) {
  Random& random = sim_.random;
  const Millis load = random.time(Millis(1), sim_.scenario.longest);
  const int trouble = random.per_mille(sim_.faults.fails) ? random.below(3) : -1;
  later(ref, server.serial, load / 2, [this, ref](Server&) {
    report_(agent::Output{ref, true, "Loading weights:  50%|##   | 1/2 [00:01\n"});
  });
  if (trouble == 0) return;  // never ready
  if (trouble > 0) {         // exits, before or after it is ready
    const Millis life = trouble == 1 ? load / 3 : load + random.time(Millis(0), sim_.scenario.longest * 3);
    const agent::Ended how = random.percent(50) ? agent::Ended{random.below(3), std::nullopt}
                                                : agent::Ended{std::nullopt, SIGKILL};
    later(ref, server.serial, life, [this, ref, how](Server& s) { end(ref, s, how); });
  }
  later(ref, server.serial, load, [this, ref](Server& s) {
    s.ready = s.leads;
    past_[s.port].was_ready = past_[s.port].was_ready || s.ready;
    if (s.leads) report_(agent::Output{ref, false, "server ready\n"});
  });
}

void Servers::end(const wire::AttemptRef& ref, Server& server, agent::Ended how) {
  if (!server.leads) return;
  server.leads = server.ready = false;
  const std::uint64_t serial = server.serial;
  report_(agent::LeaderExited{ref, how});
  // Its child processes end by themselves, or run until they are signalled.
  if (sim_.random.percent(70)) {
    later(ref, serial, Millis(sim_.random.below(5)), [this, ref](Server&) {
      running_.erase(ref.attempt);
      report_(agent::GroupGone{ref});
    });
  }
}

void Servers::signal(const agent::SignalGroup& what) {
  const auto found = running_.find(what.ref.attempt);
  if (found == running_.end()) return;
  const Server& server = found->second;
  if (what.kill ? server.cannot_die : server.ignores_term) return;
  const agent::Ended how{std::nullopt, what.kill ? SIGKILL : SIGTERM};
  later(what.ref, server.serial, Millis(sim_.random.below(what.kill ? 20 : 3'000)),
        [this, ref = what.ref, how](Server& s) {
          const std::uint64_t serial = s.serial;
          end(ref, s, how);
          later(ref, serial, Millis(6), [this, ref](Server&) {
            running_.erase(ref.attempt);
            report_(agent::GroupGone{ref});
          });
        });
}

void Servers::ask(const agent::AskServer& what) {
  asked_[what.ref.attempt] = what.serial;
  const Millis after = sim_.random.delay(Millis(20), Millis(3'000));
  sim_.agenda.at(sim_.now + after, [this, what, life = generation_] {
    if (life == generation_ && asked_[what.ref.attempt] == what.serial) answer(what);
  });
}

void Servers::answer(const agent::AskServer& what) {
  const auto found = running_.find(what.ref.attempt);
  if (found != running_.end() && found->second.unresponsive && found->second.ready) return;
  const int status = status_of(what);
  const bool well = status >= 200 && status < 300;
  if (what.post != (what.path == kReset)) violation("wrong HTTP method for " + what.path);
  if (well && what.path == kReset && sim_.bug != InjectedBug::KeepCaches) past_[what.port].used = false;
  report_(agent::ServerAnswered{what.ref, what.serial, status, status == 0 ? "Connection refused" : ""});
}

int Servers::status_of(const agent::AskServer& what) {
  const auto found = running_.find(what.ref.attempt);
  if (found == running_.end() || !found->second.leads) return 0;
  if (found->second.port != what.port)
    violation(name_of(what.ref) + " is requested at the port of another server");
  if (!found->second.ready) return sim_.random.percent(20) ? 503 : 0;
  return sim_.random.per_mille(sim_.faults.fails / 4) ? 500 : 200;
}

void Servers::serve(const wire::AttemptRef& client, int port, const std::string& key) {
  const auto found = past_.find(port);
  if (found == past_.end()) violation(name_of(client) + " is started without a server");
  Past& server = found->second;
  if (!server.was_ready) violation(name_of(client) + " is started before its server is ready");
  if (server.key != key) violation(name_of(client) + " needs the server " + key + " but gets " + server.key);
  if (server.used && has_reset(key))
    violation(name_of(client) + " gets a server that was not reset after the previous client");
  sim_.warm += server.served;
  server.used = server.served = true;
}

std::vector<GpuUser> Servers::gpu_users() const {
  std::vector<GpuUser> out;
  for (const auto& [number, server] : running_) {
    if (server.cannot_die) continue;  // the agent has given up on it, or will
    const int gpus = server.devices.empty() ? 0 : static_cast<int>(split(server.devices, ',').size());
    out.push_back({"server/" + std::to_string(number), server.port, gpus, server.devices, false});
  }
  return out;
}

void Servers::forget() {
  ++generation_;
  running_.clear();
  past_.clear();
}

void Servers::later(const wire::AttemptRef& ref, std::uint64_t serial, Millis after,
                    std::function<void(Server&)> what) {
  sim_.agenda.at(sim_.now + after, [this, ref, serial, what = std::move(what)] {
    const auto found = running_.find(ref.attempt);
    if (found != running_.end() && found->second.serial == serial) what(found->second);
  });
}

}  // namespace sweep::sim
