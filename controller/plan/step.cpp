#include "controller/plan/step.hpp"

#include <algorithm>

#include "container/core/image.hpp"
#include "controller/profile/benchmark.hpp"
#include "controller/profile/container_section.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

/// The container that one point needs.
struct PointStep {
  bool inside = false;  // whether its profile section wants the agent in the image
  container::StepRequest step;
};

Expected<PointStep> step_of(const profile::Profile& profile, const Point& point) {
  PointStep out;
  const auto container = profile::container_of(profile, point);
  if (!container) return tl::unexpected(container.error());
  out.inside = container->agent_inside;
  if (!out.inside) return out;
  if (container->runtime != "pyxis")
    return fail("the profile's 'container.agent: image' needs 'runtime: pyxis', but for " + label(point) +
                " the runtime is " + container->runtime +
                "; use 'agent: node', which works with every runtime");
  if (!container->options.empty())
    return fail(
        "the profile's 'container.options' cannot be combined with 'container.agent: image', because no "
        "container is started per point; remove the options, or use 'agent: node'");
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

/// Returns the first key in which the two differ, for some keys with both values.
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
  PointStep all;
  std::vector<std::string> beside;
  for (const Point& point : points) {
    if (withdrawn.contains(point.id)) continue;
    SWEEP_ASSIGN(auto own, step_of(profile, point));
    if (const std::string folder = profile::benchmark_mount(profile, point); !folder.empty())
      add_once(beside, folder + ":" + folder + ":ro");
    if (first == nullptr) {
      first = &point;
      all = std::move(own);
    } else if (own.inside != all.inside || own.step != all.step) {
      const std::string what =
          own.inside != all.inside ? "'container.agent'" : difference(all.step, own.step);
      return fail("the profile's 'container.agent: image' needs one container for all points, but " + what +
                  " of " + label(*first) + " and of " + label(point) +
                  " differ; choose points with the same value with --select, or use 'agent: node'");
    }
  }
  if (!all.inside) return std::nullopt;
  all.step.container.mounts.insert(all.step.container.mounts.end(), beside.begin(), beside.end());
  if (const auto good = container::check_step(all.step); !good) return tl::unexpected(good.error());
  return all.step;
}

}  // namespace sweep
