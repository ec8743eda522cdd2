// Agents in the image: one container has to serve all points of a sweep.
#include <algorithm>

#include "container/core/image.hpp"
#include "controller/plan/plan.hpp"
#include "controller/profile/container.hpp"
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
  out.inside = *container->agent;
  if (!out.inside) return out;
  if (*container->runtime != "pyxis")
    return fail("the profile's 'container.agent: image' needs 'runtime: pyxis', and for " + label(point) +
                " it is " + *container->runtime + "; agent: node works with every runtime");
  if (!container->options->empty())
    return fail(
        "the profile's 'container.options' cannot go with 'agent: image': they are words for "
        "a command of its own for each point");
  SWEEP_ASSIGN(const auto image, container::parse_image(*container->image));
  out.step.image = container::pyxis_name(image);
  out.step.workspace = profile::workspace_of(profile, point).value_or("");
  out.step.workdir = *container->workdir;
  for (const std::string& text : *container->mounts) {
    if (auto mount = container::parse_mount(text)) out.step.mounts.push_back(std::move(*mount));
  }
  out.step.names = *container->names;
  out.step.shm_size = *container->shm_size;
  out.step.writable = *container->writable;
  return out;
}

/// The key in which they differ, with both values.
std::string difference(const container::StepRequest& a, const container::StepRequest& b) {
  if (a.image != b.image)
    return "'container.image' ('" + printable(a.image) + "' and '" + printable(b.image) + "')";
  if (a.workspace != b.workspace)
    return "'workspace' ('" + printable(a.workspace) + "' and '" + printable(b.workspace) + "')";
  if (a.mounts != b.mounts) return "'container.mounts'";
  if (a.workdir != b.workdir) return "'container.workdir'";
  if (a.names != b.names) return "'container.env'";
  return a.shm_size != b.shm_size ? "'container.shm-size'" : "'container.writable'";
}

void add_once(std::vector<container::Mount>& mounts, container::Mount mount) {
  if (std::find(mounts.begin(), mounts.end(), mount) == mounts.end()) mounts.push_back(std::move(mount));
}

}  // namespace

Expected<std::optional<container::StepRequest>> step_container(const std::vector<Point>& points,
                                                               const profile::Profile& profile,
                                                               const std::set<std::string>& withdrawn) {
  if (!profile::wants_agents_inside(profile)) return std::nullopt;
  const Point* first = nullptr;
  Asked all;
  std::vector<container::Mount> beside;
  for (const Point& point : points) {
    if (withdrawn.contains(point.id)) continue;
    SWEEP_ASSIGN(auto asked, asked_by(profile, point));
    if (const std::string folder = profile::folder_beside(profile, point); !folder.empty())
      add_once(beside, {folder, folder, true});
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
  all.step.mounts.insert(all.step.mounts.end(), beside.begin(), beside.end());
  if (const auto good = container::check_step(all.step); !good) return tl::unexpected(good.error());
  return all.step;
}

}  // namespace sweep
