// Agents in the image: one container has to serve all points of a sweep.
#include <algorithm>

#include "container/core/image.hpp"
#include "controller/plan/plan.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

/// What one point asks of the step.
struct Asked {
  bool inside = false;
  container::StepRequest step;
};

Expected<Asked> asked_by(const profile::Profile& profile, const Point& point) {
  Asked out;
  const auto container = profile::container_of(profile, point);
  if (!container) return tl::unexpected(container.error());
  out.inside = container->agent_inside;
  if (!out.inside) return out;
  if (container->runtime != "pyxis")
    return fail("the profile's 'container.agent: image' needs 'runtime: pyxis', and for " + label(point) +
                " it is " + container->runtime + "; agent: node works with every runtime");
  if (!container->options.empty())
    return fail(
        "the profile's 'container.options' cannot go with 'agent: image': they are words for "
        "a command of its own for each point");
  SWEEP_ASSIGN(const auto image, container::parse_image(container->image));
  out.step.workspace = profile::workspace_of(profile, point).value_or("");
  out.step.container = only_for(ContainerUse::Step, *container);
  out.step.container.image = container::pyxis_name(image);
  SWEEP_ASSIGN(const auto mounts, container::parse_mounts(container->mounts));
  out.step.container.mounts.clear();
  for (const container::Mount& mount : mounts)
    out.step.container.mounts.push_back(mount_text(mount));
  return out;
}

/// The key in which they differ, with both values.
std::string difference(const container::StepRequest& a, const container::StepRequest& b) {
  const ContainerSpec &x = a.container, &y = b.container;
  if (x.image != y.image)
    return "'container.image' ('" + printable(x.image) + "' and '" + printable(y.image) + "')";
  if (a.workspace != b.workspace)
    return "'workspace' ('" + printable(a.workspace) + "' and '" + printable(b.workspace) + "')";
  for (const ContainerField& field : container_fields()) {
    const bool differs = std::visit([&](auto member) { return x.*member != y.*member; }, field.member);
    if (differs) return "'container." + std::string(field.key) + "'";
  }
  return "'container'";
}

void add_once(std::vector<std::string>& mounts, const std::string& mount) {
  if (std::find(mounts.begin(), mounts.end(), mount) == mounts.end()) mounts.push_back(mount);
}

}  // namespace

Expected<std::optional<container::StepRequest>> step_container(const std::vector<Point>& points,
                                                               const profile::Profile& profile,
                                                               const std::set<std::string>& withdrawn) {
  if (!profile::has_agents_inside(profile)) return std::nullopt;
  const Point* first = nullptr;
  Asked all;
  std::vector<std::string> beside;
  for (const Point& point : points) {
    if (withdrawn.contains(point.id)) continue;
    SWEEP_ASSIGN(auto asked, asked_by(profile, point));
    if (const std::string folder = profile::benchmark_mount(profile, point); !folder.empty())
      add_once(beside, folder + ":" + folder + ":ro");
    if (first == nullptr) {
      first = &point;
      all = std::move(asked);
    } else if (asked.inside != all.inside || asked.step != all.step) {
      const std::string what =
          asked.inside != all.inside ? "'container.agent'" : difference(all.step, asked.step);
      return fail(
          "with the profile's 'container.agent: image' one container serves all points, and " + what +
          " of " + label(*first) + " and of " + label(point) +
          " differ; choose among them with --select, or let the agent stay on the node (agent: node)");
    }
  }
  if (!all.inside) return std::nullopt;
  all.step.container.mounts.insert(all.step.container.mounts.end(), beside.begin(), beside.end());
  if (const auto good = container::check_step(all.step); !good) return tl::unexpected(good.error());
  return all.step;
}

}  // namespace sweep
