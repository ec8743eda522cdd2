#include "controller/plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace sweep {

namespace {

/// Two entries of one matrix can share a RESULT_FILENAME; those get the point's identity in it.
std::vector<bool> find_twins(const std::vector<Point>& points, const std::set<std::string>& withdrawn) {
  std::unordered_map<std::string, int> uses;
  for (const Point& point : points)
    uses[result_stem(point)] += withdrawn.contains(point.id) ? 0 : 1;
  std::vector<bool> twins;
  for (const Point& point : points)
    twins.push_back(uses[result_stem(point)] > 1 || withdrawn.contains(point.id));
  return twins;
}

}  // namespace

Expected<Plan> make_plan(std::vector<nlohmann::ordered_json> entries, profile::Profile profile,
                         const std::set<std::string>& withdrawn) {
  auto points = make_points(std::move(entries));
  if (!points) return tl::unexpected(points.error());
  return plan_points(std::move(*points), std::move(profile), withdrawn);
}

Expected<Plan> plan_points(std::vector<Point> points, profile::Profile profile,
                           const std::set<std::string>& withdrawn) {
  for (const Point& point : points) {
    if (const auto command = profile::benchmark_command(profile, point); !command)
      return tl::unexpected(command.error());
  }
  Plan plan;
  plan.has_twins = find_twins(points, withdrawn);
  plan.points = std::move(points);
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
  specs.reserve(plan.points.size());
  for (const Point& point : plan.points) {
    specs.push_back({point.id, plan.profile.ignore_gpus ? 0 : gpus_needed(point), kind_of(point)});
  }
  return specs;
}

std::string stem_of(const Plan& plan, int index) {
  constexpr std::size_t kShortId = 8;
  const auto at = static_cast<std::size_t>(index);
  const Point& point = plan.points[at];
  return result_stem(point) + (plan.has_twins[at] ? "_p" + point.id.substr(0, kShortId) : "");
}

std::string result_filename(const Plan& plan, int index, const std::string& node) {
  return stem_of(plan, index) + "_" + file_safe(node);
}

std::vector<std::pair<std::string, std::string>> benchmark_environment(const Plan& plan, int index,
                                                                       const std::string& node) {
  // The point's variables come last: they say what is measured, and a profile must not change that.
  auto out = plan.profile.env;
  auto own = point_environment(plan.points[static_cast<std::size_t>(index)]);
  out.reserve(out.size() + own.size() + 2);
  std::move(own.begin(), own.end(), std::back_inserter(out));
  out.emplace_back("RUNNER_NAME", node);
  out.emplace_back("RESULT_FILENAME", result_filename(plan, index, node));
  return out;
}

wire::Lease make_lease(const Plan& plan, int index, int attempt, const std::string& node) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  wire::Lease lease;
  lease.ref = {point.id, attempt};
  lease.label = label(point);
  lease.gpus = plan.profile.ignore_gpus ? 0 : gpus_needed(point);
  lease.result_filename = result_filename(plan, index, node);
  lease.environment = benchmark_environment(plan, index, node);
  lease.command = profile::benchmark_command(plan.profile, point).value_or(std::vector<std::string>());
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
