// Whether the commands of a recipe get the variables that they use. Pure.
//
// Without these checks a typo could start servers with an empty --tensor-parallel-size on every node.
#pragma once

#include <vector>

#include "controller/profile/profile.hpp"
#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep {

/// Checks all recipes that the points use, each with its first point. Fails if a server or role
/// - names a variable in `env` that the point does not have,
/// - uses a variable of the point that its `env` does not name,
/// - derives a variable from one that the point does not have or that is not a number,
/// - uses the address of a role that it does not need, or has a variable in a text that nothing sets.
Expected<void> check_recipes(const profile::Profile& profile, const std::vector<Point>& points);

}  // namespace sweep
