// The container of agents that run inside the image: one container has to serve all points of a sweep.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "container/core/step.hpp"
#include "controller/profile/profile.hpp"
#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep {

/// Returns the container in which all agents run if the profile has `container.agent: image`; std::nullopt if
/// agents run on the node. An empty workspace in it means the directory in which srun was started. Fails,
/// naming key and points, if one container cannot serve all points (withdrawn ones excepted).
Expected<std::optional<container::StepRequest>> step_container(const std::vector<Point>& points,
                                                               const profile::Profile& profile,
                                                               const std::set<std::string>& withdrawn);

}  // namespace sweep
