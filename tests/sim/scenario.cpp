#include "tests/sim/scenario.hpp"

namespace sweep::sim {

core::Settings random_settings(Random& random) {
  core::Settings settings;
  settings.pack_gpus = random.percent(50);
  settings.infrastructure_retries = random.below(4);
  settings.benchmark_retries = random.below(3);
  settings.agent_timeout = random.time(Millis(20'000), Millis(60'000));
  settings.last_agent_timeout = random.time(Millis(20'000), Millis(900'000));
  settings.join_timeout = random.time(Millis(1'000), Millis(60'000));
  settings.node_failures = random.percent(30) ? 0 : random.between(1, 4);
  if (random.percent(30)) settings.expected = random.time(Millis(10'000), Millis(200'000));
  settings.margin = Millis(random.below(10'000));
  return settings;
}

namespace {

/// `trouble` 0: no faults; 3: the most.
FaultRates random_faults(Random& random, int trouble) {
  FaultRates faults;
  if (trouble == 0) return faults;
  const auto up_to = [&](int most) { return random.below(trouble * most / 3 + 1); };
  faults.crash = up_to(60);
  faults.abandon = up_to(300);
  faults.die = up_to(4);
  faults.cut = up_to(30);
  faults.doubled = up_to(60);
  faults.disk_full = up_to(60);
  faults.fails = up_to(500);
  faults.broken_node = up_to(60);
  faults.fault_interval = random.time(Millis(10'000), Millis(200'000));
  faults.stopped = up_to(300);
  faults.job_ends = up_to(700);
  return faults;
}

}  // namespace

Scenario random_scenario(Random& random) {
  Scenario scenario;
  scenario.settings = random_settings(random);
  const int nodes = random.between(1, 4);
  for (int i = 0; i < nodes; ++i)
    scenario.nodes.push_back({"n" + std::to_string(i), random.percent(10) ? 0 : random.between(1, 8)});
  const int points = random.between(1, 16);
  for (int i = 0; i < points; ++i) {
    const int gpus = random.percent(10) ? 0 : random.between(1, random.percent(5) ? 9 : 4);
    scenario.points.push_back({"p" + std::to_string(i), gpus, "kind" + std::to_string(random.below(3))});
    if (random.percent(40)) scenario.points.back().server = "key" + std::to_string(random.below(3));
  }
  scenario.recipes = random.percent(60);
  scenario.faults = random_faults(random, random.percent(8) ? 0 : random.between(1, 3));
  scenario.faulty_sessions = random.between(1, 5);
  scenario.welcome.sweep = "sweep";
  scenario.welcome.pack_gpus = scenario.settings.pack_gpus;
  scenario.heartbeats = random.between(3, 5);
  scenario.welcome.kill_grace_ms = random.percent(10) ? 0 : random.below(15'000);
  scenario.welcome.away_ms = random.between(60'000, 900'000);
  scenario.longest = random.time(Millis(1'000), Millis(120'000));
  scenario.timeouts.point_ms = scenario.longest.count() + random.between(1'000, 60'000);
  if (random.percent(50)) scenario.timeouts.server_ms = random.between(1'000, 100'000);
  if (random.percent(50)) scenario.timeouts.benchmark_ms = random.between(1'000, 100'000);
  scenario.changes = random.percent(40);
  scenario.clock_jumps = random.percent(40);
  scenario.shared_spool = random.percent(10);
  scenario.shared_directory = random.percent(40);
  scenario.welcome.artifact_limit = random.percent(80) ? 1'000'000 : 0;
  scenario.always_failing_percent = random.percent(30) ? 30 : 0;
  return scenario;
}

bool is_evaluated(const std::string& point) {
  constexpr std::size_t kEvery = 3;
  return std::hash<std::string>()(point + "eval") % kEvery == 0;
}

bool is_client(const wire::Lease& lease, const Scenario& scenario) {
  return scenario.recipes && !lease.server.key.empty();
}

}  // namespace sweep::sim
