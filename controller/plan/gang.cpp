#include "controller/plan/gang.hpp"

#include <algorithm>

#include "controller/plan/environment.hpp"
#include "controller/plan/hardware.hpp"
#include "controller/profile/benchmark.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

constexpr std::int64_t kMost = 1'000'000;  // of workers, GPUs and nodes

/// Returns the point's recipe if it has roles or a script for several nodes; nullptr otherwise.
const profile::Recipe* gang_recipe(const profile::Profile& profile, const Point& point) {
  const profile::Recipe* recipe = profile::recipe_of(profile, point);
  return recipe != nullptr && recipe->is_gang() ? recipe : nullptr;
}

std::int64_t rounded_up(std::int64_t number, std::int64_t by) {
  return (number + by - 1) / by;
}

std::int64_t nodes_of(const WorkerGroup& group, const std::string& runner) {
  const std::int64_t on_node = usual_gpus_per_node(group.hardware.empty() ? runner : group.hardware);
  const std::int64_t each = group.each.gpus();
  return each >= on_node ? group.workers * rounded_up(each, on_node)
                         : rounded_up(group.workers * each, on_node);
}

int nodes_of_groups(const Point& point) {
  const WorkerGroups& groups = *point.inferencex->workers;
  const std::string& hardware = groups.prefill.hardware.empty() ? point.runner : groups.prefill.hardware;
  const bool same_hardware = groups.prefill.hardware == groups.decode.hardware;
  if (same_hardware && point.inferencex->gpus() <= usual_gpus_per_node(hardware)) return 1;
  return static_cast<int>(nodes_of(groups.prefill, point.runner) + nodes_of(groups.decode, point.runner));
}

/// Returns the number of a count. `what` names it: "role decode: 'workers'".
Expected<int> number_of(const std::string& what, const profile::Count& count,
                        const profile::Variables& variables) {
  if (count.of.empty()) return static_cast<int>(count.number);
  const std::string* text = find_variable(variables, count.of);
  if (text == nullptr)
    return fail(what + " is the number in " + count.of + ", which the point does not have");
  const auto number = whole_number(*text);
  if (!number || *number < 0 || *number > kMost)
    return fail(what + " is the number in " + count.of + ", which is '" + printable(*text) + "'");
  return static_cast<int>(*number);
}

core::ProcessesPer per(profile::Role::Processes processes) {
  using Processes = profile::Role::Processes;
  return processes == Processes::Gpu      ? core::ProcessesPer::Gpu
         : processes == Processes::Worker ? core::ProcessesPer::Worker
                                          : core::ProcessesPer::Node;
}

/// Returns the index of the role of that name; -1 if it has no workers.
int index_of(const std::string& name, const std::vector<core::GangRole>& roles) {
  const auto found =
      std::find_if(roles.begin(), roles.end(), [&](const core::GangRole& role) { return role.name == name; });
  return found == roles.end() ? -1 : static_cast<int>(found - roles.begin());
}

/// Returns the place that `on` names. A worker of a role that has none gets the role -1.
core::GangPlace place_of(const std::string& on, const std::vector<core::GangRole>& roles) {
  using Kind = core::GangPlace::Kind;
  if (on == profile::kOnClient) return {Kind::Client};
  if (on == profile::kOnOwn) return {Kind::Own};
  if (on == profile::kOnEach) return {Kind::Each};
  const auto worker = profile::worker_in(on);
  if (!worker) return {Kind::Head};
  return {Kind::Worker, index_of(worker->role, roles), static_cast<int>(std::min(worker->index, kMost))};
}

bool has_gpus_or_nodes(const core::GangRole& role) {
  return role.gpus > 0 || role.nodes > 0;
}

/// Returns the roles of a recipe with the numbers that the variables have.
Expected<std::vector<core::GangRole>> roles_of(const profile::Recipe& recipe,
                                               const profile::Variables& variables) {
  std::vector<core::GangRole> out;
  std::vector<const profile::Role*> kept;
  for (const profile::Role& role : recipe.roles) {
    const std::string name = "role " + role.name + ": ";
    core::GangRole to;
    to.name = role.name;
    SWEEP_ASSIGN(to.workers, number_of(name + "'workers'", role.workers, variables));
    SWEEP_ASSIGN(to.gpus, number_of(name + "'gpus'", role.gpus, variables));
    SWEEP_ASSIGN(to.nodes, number_of(name + "'nodes'", role.nodes, variables));
    to.processes = per(role.processes);
    to.ports = role.ports;
    if (to.workers == 0) continue;
    out.push_back(std::move(to));
    kept.push_back(&role);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!has_gpus_or_nodes(out[i])) out[i].place = place_of(kept[i]->on, out);
    for (const std::string& need : kept[i]->needs) {
      if (const int index = index_of(need, out); index >= 0) out[i].needs.push_back(index);
    }
  }
  return out;
}

int servers_of(const core::GangSpec& gang) {
  int servers = 0;
  for (const core::GangRole& role : gang.roles)
    servers += role.workers;
  return servers;
}

int gpus_of(const core::GangSpec& gang) {
  int gpus = 0;
  for (const core::GangRole& role : gang.roles)
    gpus += role.workers * role.gpus;
  return gpus;
}

int usual_nodes(const core::GangSpec& gang, const std::string& hardware) {
  const auto layout = core::lay_out(gang, usual_gpus_per_node(hardware));
  return layout ? static_cast<int>(layout->nodes.size()) : 1;
}

std::string needs_text(int gpus, int nodes, std::int64_t servers) {
  return (gpus > 0 ? counted(static_cast<std::size_t>(gpus), "GPU") + " on " : std::string()) +
         counted(static_cast<std::size_t>(nodes), "node") + " for " +
         counted(static_cast<std::size_t>(servers), "server");
}

}  // namespace

bool is_gang(const profile::Profile& profile, const Point& point) {
  return (point.inferencex && point.inferencex->workers) || gang_recipe(profile, point) != nullptr;
}

int usual_gpus_per_node(const std::string& hardware) {
  constexpr int kGraceBlackwell = 4, kOther = 8;
  return gpu_model(hardware).starts_with("gb") ? kGraceBlackwell : kOther;
}

Expected<core::GangSpec> gang_spec(const profile::Profile& profile, const Point& point) {
  core::GangSpec out;
  const profile::Recipe* recipe = gang_recipe(profile, point);
  if (recipe == nullptr) {
    if (!is_gang(profile, point)) return out;
    const WorkerGroups& groups = *point.inferencex->workers;
    out.text = needs_text(gpus_needed(point), nodes_of_groups(point),
                          groups.prefill.workers + groups.decode.workers);
    return out;
  }
  const profile::Variables variables = shared_environment(profile, point);
  if (recipe->script) {
    SWEEP_ASSIGN(const int nodes, number_of("the script's 'nodes'", recipe->script->nodes, variables));
    out.roles.push_back({"script", 1, 0, std::max(nodes, 1)});
  } else {
    SWEEP_ASSIGN(out.roles, roles_of(*recipe, variables));
    out.client = place_of(recipe->client_on, out.roles);
  }
  out.text = needs_text(gpus_of(out), usual_nodes(out, point.runner), servers_of(out));
  return out;
}

int nodes_needed(const profile::Profile& profile, const Point& point) {
  const auto gang = gang_spec(profile, point);
  if (!gang || gang->text.empty()) return 1;
  return gang->roles.empty() ? nodes_of_groups(point) : usual_nodes(*gang, point.runner);
}

int gpus_needed(const profile::Profile& profile, const Point& point) {
  const auto gang = gang_spec(profile, point);
  return gang && !gang->roles.empty() ? gpus_of(*gang) : gpus_needed(point);
}

std::string roles_text(const core::GangSpec& gang) {
  std::string out;
  for (const core::GangRole& role : gang.roles) {
    out += (out.empty() ? "" : ", ") + role.name;
    if (role.gpus > 0)
      out += " " + std::to_string(role.workers) + " x " + counted(static_cast<std::size_t>(role.gpus), "GPU");
    else if (role.workers > 1)
      out += " x " + std::to_string(role.workers);
  }
  return out;
}

Expected<void> check_gang(const profile::Profile& profile, const Point& point) {
  SWEEP_ASSIGN(const auto gang, gang_spec(profile, point));
  if (gang.roles.empty()) return {};
  const profile::Recipe& recipe = *gang_recipe(profile, point);
  const bool serves =
      recipe.script || std::any_of(gang.roles.begin(), gang.roles.end(),
                                   [&](const auto& role) { return role.name == recipe.public_role; });
  if (!serves)
    return fail("role " + recipe.public_role + ", whose address the client gets, has no workers for " +
                label(point));
  // Nodes of other hardware may have other numbers of GPUs.
  if (gpu_model(point.runner).empty()) return {};
  const auto layout = core::lay_out(gang, usual_gpus_per_node(point.runner));
  if (!layout) return fail(layout.error().message + " (" + label(point) + ")");
  return {};
}

}  // namespace sweep
