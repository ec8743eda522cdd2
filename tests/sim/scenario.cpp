#include "tests/sim/scenario.hpp"

namespace sweep::sim {

core::Settings some_settings(Random& dice) {
  core::Settings settings;
  settings.pack_gpus = dice.percent(50);
  settings.infrastructure_retries = dice.below(4);
  settings.benchmark_retries = dice.below(3);
  settings.agent_timeout = dice.time(Millis(20'000), Millis(60'000));
  settings.join_timeout = dice.time(Millis(1'000), Millis(60'000));
  settings.node_failures = dice.percent(30) ? 0 : dice.between(1, 4);
  if (dice.percent(30)) settings.expected = dice.time(Millis(10'000), Millis(200'000));
  settings.margin = Millis(dice.below(10'000));
  return settings;
}

namespace {

/// `trouble` 0 is a sunny day.
Storm some_storm(Random& dice, int trouble) {
  Storm storm;
  if (trouble == 0) return storm;
  const auto up_to = [&](int most) { return dice.below(trouble * most / 3 + 1); };
  storm.crash = up_to(60);
  storm.abandon = up_to(300);
  storm.die = up_to(4);
  storm.cut = up_to(30);
  storm.doubled = up_to(60);
  storm.disk_full = up_to(60);
  storm.fails = up_to(500);
  storm.broken_node = up_to(60);
  storm.calamity = dice.time(Millis(10'000), Millis(200'000));
  storm.stopped = up_to(300);
  storm.job_ends = up_to(700);
  return storm;
}

}  // namespace

Scenario forecast(Random& dice) {
  Scenario weather;
  weather.settings = some_settings(dice);
  const int nodes = dice.between(1, 4);
  for (int i = 0; i < nodes; ++i)
    weather.nodes.push_back({"n" + std::to_string(i), dice.percent(10) ? 0 : dice.between(1, 8)});
  const int points = dice.between(1, 16);
  for (int i = 0; i < points; ++i) {
    const int gpus = dice.percent(10) ? 0 : dice.between(1, dice.percent(5) ? 9 : 4);
    weather.points.push_back({"p" + std::to_string(i), gpus, "kind" + std::to_string(dice.below(3))});
    if (dice.percent(40)) weather.points.back().server = "key" + std::to_string(dice.below(3));
  }
  weather.recipes = dice.percent(60);
  weather.storm = some_storm(dice, dice.percent(8) ? 0 : dice.between(1, 3));
  weather.storms = dice.between(1, 5);
  weather.welcome.sweep = "sweep";
  weather.welcome.pack_gpus = weather.settings.pack_gpus;
  weather.heartbeats = dice.between(3, 5);
  weather.welcome.kill_grace_ms = dice.percent(10) ? 0 : dice.below(15'000);
  weather.welcome.away_ms = dice.between(60'000, 900'000);
  weather.longest = dice.time(Millis(1'000), Millis(120'000));
  weather.timeouts.point_ms = weather.longest.count() + dice.between(1'000, 60'000);
  if (dice.percent(50)) weather.timeouts.server_ms = dice.between(1'000, 100'000);
  if (dice.percent(50)) weather.timeouts.benchmark_ms = dice.between(1'000, 100'000);
  weather.changes = dice.percent(40);
  weather.jumps = dice.percent(40);
  weather.shared_spool = dice.percent(10);
  weather.cursed = dice.percent(30) ? 30 : 0;
  return weather;
}

bool is_client(const wire::Lease& lease, const Scenario& weather) {
  return weather.recipes && !lease.server.key.empty();
}

}  // namespace sweep::sim
