#include "benchmarks/bench_makespan_points.hpp"

#include <algorithm>
#include <filesystem>

#include "benchmarks/sweep-simserver/core/closed_loop.hpp"
#include "controller/matrix/load.hpp"
#include "controller/plan/plan.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/load_profile.hpp"
#include "controller/profile/profile.hpp"
#include "util/json.hpp"

namespace sweep::bench {

namespace {

constexpr std::uint32_t kPromptsPerStream = 10;  // as in the InferenceMAX scripts

std::string hardware_of(const Point& point) {
  return point.runner.substr(0, point.runner.find('-'));
}

Expected<Millis> run_time(const Point& point, const std::string& hardware) {
  const std::string point_label = label(point);
  sim_server::Deployment setup;
  setup.hardware = sim_server::find_hardware(hardware);
  setup.architecture = sim_server::guess_architecture(point.model);
  const auto precision = sim_server::precision_of(point.precision);
  if (setup.hardware == nullptr || setup.architecture == nullptr || !precision)
    return fail(point_label + ": the simulated server does not support " + hardware + ", " + point.model +
                " or " + point.precision);
  setup.precision = *precision;
  setup.kv_precision = sim_server::Precision::Fp8;
  setup.tp = static_cast<std::uint32_t>(point.tp);
  setup.ep = static_cast<std::uint32_t>(point.ep);
  setup.dp_attention = point.dp_attention;
  sim_server::ClosedLoop loop;
  loop.concurrency = static_cast<std::uint32_t>(point.conc);
  loop.num_prompts = kPromptsPerStream * loop.concurrency;
  loop.isl = static_cast<std::uint32_t>(point.isl);
  loop.osl = static_cast<std::uint32_t>(point.osl);
  const auto result = sim_server::simulate_closed_loop(setup, {}, loop);
  if (!result) return fail(point_label + ": " + result.error().message);
  return Millis(static_cast<std::int64_t>(result->duration * 1'000));
}

std::string default_key(const Point& p) {
  return p.model + "/" + p.precision + "/" + p.framework + "/" + p.image + "/" + std::to_string(p.tp) + "/" +
         std::to_string(p.ep) + (p.dp_attention ? "/dpa/" : "/") + std::to_string(p.max_model_len);
}

/// Returns the server keys: from the recipe if the point has one, else the default key.
Expected<std::vector<std::string>> keys_of(const std::vector<Point>& points, const std::string& file) {
  auto profile = profile::load_profile({file});
  if (!profile) return fail(profile.error().message);
  std::vector<std::string> keys;
  for (const Point& point : points) {
    profile::Profile own = *profile;
    if (!profile::load_recipes(own, {point}) || profile::recipe_gap(own, point) != profile::RecipeGap::None) {
      keys.push_back(default_key(point));
      continue;
    }
    SWEEP_ASSIGN(const auto plan, plan_points({point}, std::move(own)));
    keys.push_back(server_key(plan, 0));
  }
  return keys;
}

}  // namespace

Expected<std::vector<SimulatedPoint>> simulated_points(const std::string& config, const std::string& profile,
                                                       const std::string& hardware) {
  SWEEP_ASSIGN(auto entries, matrix::load_matrix({config}, {}));
  SWEEP_ASSIGN(auto points, make_points(std::move(entries)));
  std::erase_if(points, [&](const Point& point) { return hardware_of(point) != hardware; });
  if (points.empty()) return fail("'" + config + "' has no point on " + hardware + "; give other --hardware");
  SWEEP_ASSIGN(const auto keys, keys_of(points, profile));
  std::vector<SimulatedPoint> out;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    SWEEP_ASSIGN(const auto run, run_time(point, hardware));
    out.push_back({{point.id, gpus_needed(point), kind_of(point), keys[i]}, run});
  }
  return out;
}

}  // namespace sweep::bench
