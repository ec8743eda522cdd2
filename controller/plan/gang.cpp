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

/// Returns the layout of a recipe with roles on nodes of the usual size.
Expected<GangLayout> usual_layout(const profile::Profile& profile, const Point& point) {
  SWEEP_ASSIGN(const auto roles, gang_roles(profile, point));
  const profile::Recipe* recipe = gang_recipe(profile, point);
  return lay_out(roles, recipe->script ? profile::kOnHead : recipe->client_on,
                 usual_gpus_per_node(point.runner));
}

}  // namespace

bool is_gang(const profile::Profile& profile, const Point& point) {
  return (point.inferencex && point.inferencex->workers) || gang_recipe(profile, point) != nullptr;
}

int usual_gpus_per_node(const std::string& hardware) {
  constexpr int kGraceBlackwell = 4, kOther = 8;
  return gpu_model(hardware).starts_with("gb") ? kGraceBlackwell : kOther;
}

Expected<std::vector<GangRole>> gang_roles(const profile::Profile& profile, const Point& point) {
  std::vector<GangRole> out;
  const profile::Recipe* recipe = gang_recipe(profile, point);
  if (recipe == nullptr) return out;
  const profile::Variables variables = shared_environment(profile, point);
  if (recipe->script) {
    SWEEP_ASSIGN(const int nodes, number_of("the script's 'nodes'", recipe->script->nodes, variables));
    out.push_back({"script", 1, 0, std::max(nodes, 1)});
    return out;
  }
  for (const profile::Role& role : recipe->roles) {
    const std::string name = "role " + role.name + ": ";
    GangRole to;
    to.name = role.name;
    SWEEP_ASSIGN(to.workers, number_of(name + "'workers'", role.workers, variables));
    SWEEP_ASSIGN(to.gpus, number_of(name + "'gpus'", role.gpus, variables));
    SWEEP_ASSIGN(to.nodes, number_of(name + "'nodes'", role.nodes, variables));
    to.processes = role.processes;
    to.mpi = role.mpi;
    to.on = role.on;
    if (to.workers > 0) out.push_back(std::move(to));
  }
  return out;
}

int nodes_needed(const profile::Profile& profile, const Point& point) {
  if (gang_recipe(profile, point) != nullptr) {
    const auto layout = usual_layout(profile, point);
    return layout ? static_cast<int>(layout->nodes.size()) : 1;
  }
  return is_gang(profile, point) ? nodes_of_groups(point) : 1;
}

int gpus_needed(const profile::Profile& profile, const Point& point) {
  if (gang_recipe(profile, point) == nullptr) return gpus_needed(point);
  int gpus = 0;
  for (const GangRole& role : gang_roles(profile, point).value_or(std::vector<GangRole>()))
    gpus += role.workers * role.gpus;
  return gpus;
}

std::string gang_text(const profile::Profile& profile, const Point& point) {
  if (!is_gang(profile, point)) return {};
  std::int64_t servers = 0;
  if (gang_recipe(profile, point) != nullptr) {
    for (const GangRole& role : gang_roles(profile, point).value_or(std::vector<GangRole>()))
      servers += role.workers;
  } else {
    servers = point.inferencex->workers->prefill.workers + point.inferencex->workers->decode.workers;
  }
  const int gpus = gpus_needed(profile, point);
  return (gpus > 0 ? counted(static_cast<std::size_t>(gpus), "GPU") + " on " : std::string()) +
         counted(static_cast<std::size_t>(nodes_needed(profile, point)), "node") + " for " +
         counted(static_cast<std::size_t>(servers), "server");
}

std::string roles_text(const profile::Profile& profile, const Point& point) {
  std::string out;
  for (const GangRole& role : gang_roles(profile, point).value_or(std::vector<GangRole>())) {
    out += (out.empty() ? "" : ", ") + role.name;
    if (role.gpus > 0)
      out += " " + std::to_string(role.workers) + " x " + counted(static_cast<std::size_t>(role.gpus), "GPU");
    else if (role.workers > 1)
      out += " x " + std::to_string(role.workers);
  }
  return out;
}

Expected<void> check_gang(const profile::Profile& profile, const Point& point) {
  if (gang_recipe(profile, point) == nullptr) return {};
  SWEEP_ASSIGN(const auto roles, gang_roles(profile, point));
  const profile::Recipe& recipe = *gang_recipe(profile, point);
  const bool serves = recipe.script || std::any_of(roles.begin(), roles.end(), [&](const GangRole& role) {
                        return role.name == recipe.public_role;
                      });
  if (!serves)
    return fail("role " + recipe.public_role + ", whose address the client gets, has no workers for " +
                label(point));
  // Nodes of other hardware may have other numbers of GPUs.
  if (gpu_model(point.runner).empty()) return {};
  const auto layout = usual_layout(profile, point);
  if (!layout) return fail(layout.error().message + " (" + label(point) + ")");
  return {};
}

}  // namespace sweep
