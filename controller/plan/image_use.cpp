#include "controller/plan/image_use.hpp"

#include <set>

#include "controller/profile/container_section.hpp"
#include "util/secrets.hpp"
#include "util/text.hpp"

namespace sweep {

namespace {

/// Returns the container's image of a point; "" if it has no container.
std::string image_for(const profile::Profile& profile, const Point& point) {
  const auto container = profile::container_of(profile, point);
  return container && profile::has_container(*container) ? container->image : std::string();
}

}  // namespace

bool is_image_of_point(const Plan& plan, int index, const std::string& started) {
  const Point& point = plan.points[static_cast<std::size_t>(index)];
  const std::string image = image_for(plan.profile, point);
  if (started.empty() || image.empty()) return false;
  // pyxis reports another name for the image of a whole step.
  if (!plan.step && started != without_secrets(printable(image))) return false;
  Point other = point;
  other.image += "-other";
  return image_for(plan.profile, other) != image;
}

std::string unused_images_note(const Plan& plan) {
  std::set<std::string> runners;  // whose points run without a container
  std::set<std::string> seen;
  std::size_t points = 0, without = 0;
  for (const Point& point : plan.points) {
    if (plan.withdrawn.contains(point.id) || point.image.empty()) continue;
    ++points;
    if (seen.insert(point.runner).second && image_for(plan.profile, point).empty())
      runners.insert(point.runner);
    without += runners.contains(point.runner) ? 1 : 0;
  }
  if (without == 0) return {};
  const std::string which =
      without == points ? "" : " of " + std::to_string(without) + " of " + counted(points, "point");
  return "the images" + which +
         " in the matrix are not used, because the profile has no container for them; to run benchmarks in "
         "them, set container: { runtime: auto } in the profile";
}

}  // namespace sweep
