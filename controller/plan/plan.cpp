#include "controller/plan/plan.hpp"

#include <algorithm>
#include <map>

namespace sweep {

namespace {

/// Two entries of one matrix can share a RESULT_FILENAME; those get the point's identity in it.
std::vector<std::string> distinct_stems(const std::vector<Point>& points,
                                        const std::set<std::string>& withdrawn) {
  std::map<std::string, int> uses;
  for (const Point& point : points)
    uses[result_stem(point)] += withdrawn.contains(point.id) ? 0 : 1;
  std::vector<std::string> stems;
  for (const Point& point : points) {
    constexpr std::size_t kShortId = 8;
    std::string stem = result_stem(point);
    if (uses[stem] > 1 || withdrawn.contains(point.id)) stem += "_p" + point.id.substr(0, kShortId);
    stems.push_back(std::move(stem));
  }
  return stems;
}

}  // namespace

Expected<Plan> make_plan(const std::vector<nlohmann::ordered_json>& entries, profile::Profile profile,
                         const std::set<std::string>& withdrawn) {
  auto points = make_points(entries);
  if (!points) return tl::unexpected(points.error());
  Plan plan;
  for (const Point& point : *points) {
    auto command = profile::benchmark_command(profile, point);
    if (!command) return tl::unexpected(command.error());
    plan.commands.push_back(std::move(*command));
  }
  plan.stems = distinct_stems(*points, withdrawn);
  plan.points = std::move(*points);
  plan.withdrawn = withdrawn;
  plan.profile = std::move(profile);
  return plan;
}

std::string kind_of(const Point& point) {
  std::string out;
  for (const std::string* text :
       {&point.exp_name, &point.model, &point.framework, &point.precision, &point.runner})
    out += *text + "|";
  for (const std::int64_t number :
       {point.isl, point.osl, point.tp, point.ep, std::int64_t{point.dp_attention}})
    out += std::to_string(number) + "|";
  return out;
}

core::Settings core_settings(const Plan& plan) {
  const profile::Profile& profile = plan.profile;
  core::Settings settings;
  settings.pack_gpus = profile.packing == profile::Profile::Packing::Gpu;
  settings.infrastructure_retries = profile.retries.infrastructure;
  settings.benchmark_retries = profile.retries.benchmark;
  settings.agent_timeout = profile.agent_timeout;
  settings.join_timeout = profile.join;
  settings.node_failures = profile.retries.node;
  if (profile.point_timeout_declared) settings.expected = profile.timeouts.point;
  settings.margin = profile.kill_grace;
  return settings;
}

std::vector<core::PointSpec> core_points(const Plan& plan) {
  std::vector<core::PointSpec> specs;
  for (const Point& point : plan.points) {
    specs.push_back({point.id, plan.profile.ignore_gpus ? 0 : gpus_needed(point), kind_of(point)});
  }
  return specs;
}

std::string result_filename(const Plan& plan, int index, const std::string& node) {
  return plan.stems[static_cast<std::size_t>(index)] + "_" + file_safe(node);
}

wire::Lease make_lease(const Plan& plan, int index, int attempt, const std::string& node) {
  const auto at = static_cast<std::size_t>(index);
  const Point& point = plan.points[at];
  wire::Lease lease;
  lease.ref = {point.id, attempt};
  lease.label = label(point);
  lease.gpus = plan.profile.ignore_gpus ? 0 : gpus_needed(point);
  lease.result_filename = result_filename(plan, index, node);
  // The point's variables come last: they say what is measured, and a profile must not change that.
  lease.environment = plan.profile.env;
  const auto own = point_environment(point);
  lease.environment.insert(lease.environment.end(), own.begin(), own.end());
  lease.environment.emplace_back("RUNNER_NAME", node);
  lease.environment.emplace_back("RESULT_FILENAME", lease.result_filename);
  lease.command = plan.commands[at];
  lease.workspace = plan.profile.workspace;
  lease.timeouts.server_ms = plan.profile.timeouts.server.count();
  lease.timeouts.benchmark_ms = plan.profile.timeouts.benchmark.count();
  lease.timeouts.point_ms = plan.profile.timeouts.point.count();
  return lease;
}

std::vector<std::string> exp_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    if (std::find(names.begin(), names.end(), point.exp_name) == names.end()) names.push_back(point.exp_name);
  }
  return names;
}

std::string sweep_name(const Plan& plan) {
  const auto names = exp_names(plan);
  return names.size() == 1 ? names[0] : "all";
}

}  // namespace sweep
