#include "controller/core/server_use.hpp"

#include <algorithm>

namespace sweep::core {

namespace {

/// Returns how long the attempt waited for its server: stopping the previous one, starting, getting ready.
Millis start_of_server(const Account& account) {
  Millis total{0};
  for (const PhaseTime& phase : account.phases) {
    if (phase.name == "stop" || phase.name == "server-start" || phase.name == "ready") total += phase.time;
  }
  return total;
}

}  // namespace

void use_server(const State& state, AgentStatus& agent, int key, int attempt_gpus) {
  auto& warm = agent.warm;
  const auto own = std::find_if(warm.begin(), warm.end(), [&](const WarmServer& s) { return s.key == key; });
  if (own != warm.end()) warm.erase(own);
  if (!state.settings.pack_gpus || attempt_gpus == 0) return warm.clear();
  int gpus = agent.gpus_held;
  const auto first_gone = std::find_if(warm.begin(), warm.end(), [&](const WarmServer& server) {
    gpus += server.gpus;
    return server.gpus == 0 || gpus > static_cast<int>(agent.info.gpus.size());
  });
  warm.erase(first_gone, warm.end());
}

bool leaves_server(OutcomeKind kind) {
  return kind == OutcomeKind::Ok || kind == OutcomeKind::BenchmarkFailed || kind == OutcomeKind::NoResult ||
         kind == OutcomeKind::InvalidResult || kind == OutcomeKind::Cancelled;
}

void record_duration(State& state, const PointStatus& point, const Ended& event) {
  const Millis start = event.account.servers ? start_of_server(event.account) : Millis(0);
  const Millis wall = std::max(Millis(0), event.wall - start);
  state.walls[point.spec.kind.str()].add(wall);
  if (point.key < 0) return;
  state.key_walls[static_cast<std::size_t>(point.key)].add(wall);
  if (event.account.servers.value_or(0) > 0) state.server_starts.add(start);
}

}  // namespace sweep::core
