#include "controller/plan/plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <unordered_map>

#include "controller/plan/environment.hpp"
#include "controller/plan/gang.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/plan/recipe_check.hpp"
#include "controller/plan/step.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "controller/profile/variables.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/digest.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

/// Returns core::PointSpec::runner of a point with this runner type: the section of the profile, or the type
/// itself if there is none or if the section's name does not name the same hardware. "": any node serves
/// the point.
std::string core_runner(const profile::Profile& profile, const std::string& runner) {
  const bool has_model = !profile.ignore_gpus && !gpu_model(runner).empty();
  if (profile.runners.empty()) return has_model ? runner : std::string();
  const profile::Runner* section = profile::runner_of(profile, runner);
  if (section == nullptr) return runner;
  return has_model && gpu_model(section->name) != gpu_model(runner) ? runner : section->name;
}

/// Returns Plan::shares_name. Entries of a matrix that would share a RESULT_FILENAME get the point's id in
/// it.
std::vector<bool> find_shared_names(const std::vector<Point>& points,
                                    const std::set<std::string>& withdrawn) {
  std::unordered_map<std::string, int> uses;
  for (const Point& point : points)
    uses[result_stem(point)] += withdrawn.contains(point.id) ? 0 : 1;
  std::vector<bool> shared;
  for (const Point& point : points)
    shared.push_back(uses[result_stem(point)] > 1 || withdrawn.contains(point.id));
  return shared;
}

/// Returns Plan::runners.
std::vector<std::pair<std::string, std::string>> find_runners(const profile::Profile& profile,
                                                              const std::vector<Point>& points) {
  std::set<std::string> seen;
  std::vector<std::pair<std::string, std::string>> out;
  for (const Point& point : points) {
    if (!seen.insert(point.runner).second) continue;
    if (std::string name = core_runner(profile, point.runner); !name.empty())
      out.emplace_back(std::move(name), point.runner);
  }
  return out;
}

/// Returns Plan::first_copy.
std::vector<int> find_copies(const std::vector<Point>& points) {
  std::vector<int> first(points.size(), -1);
  const auto is_copy = [](const Point& point) { return point.repeat > 0; };
  if (std::none_of(points.begin(), points.end(), is_copy)) return first;
  std::unordered_map<std::string_view, std::vector<int>> copies;
  for (std::size_t i = 0; i < points.size(); ++i)
    copies[points[i].entry].push_back(static_cast<int>(i));
  for (const auto& [entry, all] : copies) {
    for (const int index : all)
      first[static_cast<std::size_t>(index)] = all.size() > 1 ? all.front() : -1;
  }
  return first;
}

/// Returns the gang of a point for the core; nullptr if it is none. Equal gangs are one object.
std::shared_ptr<const core::GangSpec> shared_gang(const profile::Profile& profile, const Point& point,
                                                  std::vector<std::shared_ptr<const core::GangSpec>>& known) {
  core::GangSpec gang = gang_spec(profile, point).value_or(core::GangSpec());
  if (gang.text.empty()) return nullptr;
  gang.roles.clear();  // no agent runs roles yet
  const auto same =
      std::find_if(known.rbegin(), known.rend(), [&](const auto& other) { return *other == gang; });
  if (same != known.rend()) return *same;
  return known.emplace_back(std::make_shared<const core::GangSpec>(std::move(gang)));
}

}  // namespace

Expected<Plan> make_plan(std::vector<nlohmann::ordered_json> entries, profile::Profile profile,
                         const std::set<std::string>& withdrawn) {
  SWEEP_ASSIGN(auto points, make_points(std::move(entries)));
  return plan_points(std::move(points), std::move(profile), withdrawn);
}

Expected<Plan> plan_points(std::vector<Point> points, profile::Profile profile,
                           const std::set<std::string>& withdrawn) {
  for (const Point& point : points) {
    if (withdrawn.contains(point.id)) continue;
    if (const auto command = profile::benchmark_command(profile, point); !command)
      return tl::unexpected(command.error());
    if (const auto workspace = profile::workspace_of(profile, point); !workspace)
      return tl::unexpected(workspace.error());
    if (const auto container = profile::container_of(profile, point); !container)
      return tl::unexpected(container.error());
    SWEEP_TRY(check_gang(profile, point));
  }
  if (const auto good = check_recipes(profile, points); !good) return tl::unexpected(good.error());
  SWEEP_ASSIGN(auto step, step_container(points, profile, withdrawn));
  Plan plan;
  plan.step = std::move(step);
  plan.shares_name = find_shared_names(points, withdrawn);
  plan.first_copy = find_copies(points);
  plan.runners = find_runners(profile, points);
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
  if (point.inferencex)
    out += servers_text(*point.inferencex) + "|" + point.inferencex->kv_offloading + "|" +
           (point.inferencex->eval_only  ? "eval"
            : point.inferencex->run_eval ? "with eval"
                                         : "");
  return out;
}

core::Settings core_settings(const Plan& plan) {
  const profile::Profile& profile = plan.profile;
  core::Settings settings;
  settings.pack_gpus = profile.packing == profile::Profile::Packing::Gpu;
  settings.infrastructure_retries = profile.retries.infrastructure;
  settings.benchmark_retries = profile.retries.benchmark;
  settings.invalid_retries = profile.retries.invalid;
  settings.strict = profile.strict;
  settings.agent_timeout = profile.agent_timeout;
  settings.last_agent_timeout = std::max(profile.agent_timeout, profile.away);
  settings.join_timeout = profile.join;
  settings.node_failures = profile.retries.node;
  settings.one_benchmark = profile::has_one_benchmark(profile);
  if (profile.point_timeout_declared) settings.expected = profile.timeouts.point;
  settings.margin = profile.kill_grace;
  return settings;
}

std::string runner_section(const profile::Profile& profile, const Point& point) {
  if (profile.runners.empty()) return {};
  const profile::Runner* runner = profile::runner_of(profile, point.runner);
  return runner == nullptr ? point.runner : runner->name;
}

std::optional<std::vector<std::string>> served_by(const profile::Profile& profile,
                                                  const profile::NodeTraits& node) {
  if (profile.runners.empty()) return std::nullopt;
  std::vector<std::string> names;
  for (const profile::Runner& runner : profile.runners) {
    if (profile::serves(runner, node)) names.push_back(runner.name);
  }
  return names;
}

bool asks_node(const profile::Profile& profile) {
  return std::any_of(profile.runners.begin(), profile.runners.end(), [](const profile::Runner& runner) {
    return !runner.features.empty() || !runner.gpus.empty();
  });
}

std::vector<core::PointSpec> core_points(const Plan& plan) {
  std::vector<core::PointSpec> specs;
  specs.reserve(plan.points.size());
  std::vector<std::shared_ptr<const core::GangSpec>> gangs;  // the distinct ones
  for (const Point& point : plan.points) {
    const int index = static_cast<int>(specs.size());
    specs.push_back({point.id, plan.profile.ignore_gpus ? 0 : gpus_needed(plan.profile, point),
                     kind_of(point), server_key(plan, index), core_runner(plan.profile, point.runner),
                     shared_gang(plan.profile, point, gangs)});
  }
  return specs;
}

std::string stem_of(const Plan& plan, int index) {
  constexpr std::size_t kShortId = 8;
  const auto at = static_cast<std::size_t>(index);
  const Point& point = plan.points[at];
  return result_stem(point) + (plan.shares_name[at] ? "_p" + point.id.substr(0, kShortId) : "");
}

std::string result_filename(const Plan& plan, int index, const std::string& node) {
  constexpr std::size_t kFingerprint = 16;
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  const std::string recipe =
      point.inferencex ? point.inferencex->recipe_fingerprint.substr(0, kFingerprint) : "";
  return stem_of(plan, index) + "_" + file_safe(node) +
         (recipe.empty() ? "" : "_recipe-" + file_safe(recipe));
}

std::vector<std::pair<std::string, std::string>> benchmark_environment(const Plan& plan, int index,
                                                                       const std::string& node) {
  auto out = shared_environment(plan.profile, plan.points[static_cast<std::size_t>(index)]);
  // The user's home does not exist in the container. The profile may set another HOME.
  if (plan.step) out.insert(out.begin(), {"HOME", "/tmp"});
  out.emplace_back("RUNNER_NAME", node);
  out.emplace_back("RESULT_FILENAME", result_filename(plan, index, node));
  return out;
}

std::string server_key(const Plan& plan, int index) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  const profile::Recipe* recipe = profile::recipe_of(plan.profile, point);
  if (recipe == nullptr || recipe->is_gang()) return {};
  Sha256 digest;
  const std::string workspace = profile::workspace_of(plan.profile, point).value_or("");
  for (const std::string* part :
       {&recipe->server.command, &recipe->server.ready.path, &recipe->server.ready_log,
        &recipe->server.health.path, &recipe->server.reset.path, &recipe->server.progress, &workspace,
        &point.image})
    digest.add_part(*part);
  digest.add_part(std::to_string(gpus_needed(point)));
  // Nodes of different runners are different machines.
  if (const std::string runner = runner_section(plan.profile, point); !runner.empty())
    digest.add_part(runner);
  if (const auto container = profile::container_of(plan.profile, point);
      container && profile::has_container(*container)) {
    digest.add_part(container->runtime);
    digest.add_part(container->image);
    for (const std::string& mount : container->mounts)
      digest.add_part(mount);
  }
  std::map<std::string, std::string> known;
  for (const auto& [name, value] : shared_environment(plan.profile, point))
    known[name] = value;
  for (const std::string& name : recipe->server.env) {
    digest.add_part(name);
    digest.add_part(known[name]);
  }
  constexpr std::size_t kDigits = 16;
  return digest.hex().substr(0, kDigits);
}

namespace {

wire::ServerSpec make_server(const Plan& plan, int index) {
  const profile::Recipe* found =
      profile::recipe_of(plan.profile, plan.points[static_cast<std::size_t>(index)]);
  const profile::Timeouts& timeouts = plan.profile.timeouts;
  wire::ServerSpec spec;
  if (found == nullptr || found->is_gang()) return spec;
  const profile::Recipe& recipe = *found;
  spec.key = server_key(plan, index);
  spec.command = profile::server_command(recipe);
  spec.names = recipe.server.env;
  spec.ready_url = recipe.server.ready.path;
  spec.ready_log = recipe.server.ready_log;
  spec.health_url = recipe.server.health.path;
  spec.reset_url = recipe.server.reset.path;
  spec.progress = recipe.server.progress;
  spec.start_ms = timeouts.server_start.count();
  spec.progress_ms = timeouts.server_progress.count();
  spec.longest_ms = timeouts.server_longest.count();
  spec.reset_ms = timeouts.reset.count();
  spec.warm_up_ms = timeouts.warm_up.count();
  return spec;
}

/// Sets the evaluation of a lease.
void set_eval(const Plan& plan, const Point& point, wire::Lease& lease) {
  if (!is_evaluated(point)) return;
  lease.eval = is_only_evaluated(point) ? wire::EvalWhen::Only : wire::EvalWhen::After;
  if (const profile::Recipe* recipe = profile::recipe_of(plan.profile, point))
    lease.eval_command = profile::eval_command(*recipe);
}

ContainerSpec make_container(const Plan& plan, const Point& point) {
  auto container = profile::container_of(plan.profile, point);
  if (plan.step || !container || !profile::has_container(*container)) return {};
  if (const std::string folder = profile::benchmark_mount(plan.profile, point); !folder.empty())
    container->mounts.push_back(folder + ":" + folder + ":ro");
  return *std::move(container);
}
}  // namespace

wire::Lease make_lease(const Plan& plan, int index, int attempt, const std::string& node) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  wire::Lease lease;
  lease.ref = {point.id, attempt};
  lease.label = label(point);
  lease.gpus = plan.profile.ignore_gpus ? 0 : gpus_needed(point);
  lease.result_filename = result_filename(plan, index, node);
  lease.environment = benchmark_environment(plan, index, node);
  lease.command = profile::benchmark_command(plan.profile, point).value_or(std::vector<std::string>());
  lease.workspace =
      plan.step ? plan.step->container.workdir : profile::workspace_of(plan.profile, point).value_or("");
  lease.timeouts.server_ms = plan.profile.timeouts.server.count();
  lease.timeouts.benchmark_ms = plan.profile.timeouts.benchmark.count();
  lease.timeouts.point_ms = plan.profile.timeouts.point.count();
  lease.script_ready = plan.profile.script_ready;
  lease.server = make_server(plan, index);
  lease.container = make_container(plan, point);
  set_eval(plan, point, lease);
  lease.gpu_metrics = point.inferencex != nullptr;
  return lease;
}

std::string next_image(const Plan& plan, const core::State& state, int index,
                       const core::AgentStatus& agent) {
  constexpr int kMaxPoints = 200;
  const Point& current = plan.points[static_cast<std::size_t>(index)];
  const auto now = profile::container_of(plan.profile, current);
  if (plan.step || !now || !now->prefetch) return {};
  int left = kMaxPoints;
  for (const auto& [negative_gpus, waiting] : state.pending) {
    if (--left < 0) break;
    const Point& point = plan.points[static_cast<std::size_t>(waiting)];
    if (point.image == current.image && point.runner == current.runner) continue;
    const core::PointSpec& spec = core::point_at(state, waiting).spec;
    const bool fits = -negative_gpus <= static_cast<int>(agent.info.gpus.size());
    if (!fits || !core::serves(agent, spec.runner.str())) continue;
    const auto next = profile::container_of(plan.profile, point);
    if (next && profile::has_container(*next) && next->image != now->image) return next->image;
  }
  return {};
}

std::vector<std::string> experiments(const Plan& plan) {
  std::vector<std::string> names;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id)) continue;
    std::string name = experiment(point);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  return names;
}

std::string sweep_name(const Plan& plan) {
  const auto names = experiments(plan);
  return names.size() == 1 ? names[0] : "all";
}

}  // namespace sweep
