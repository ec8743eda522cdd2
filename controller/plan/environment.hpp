// The environment of a point's benchmark, as far as it does not depend on the node. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/profile/profile.hpp"
#include "proto/base/point.hpp"

namespace sweep {

/// Returns the number that a variable's value is; std::nullopt if it is none.
std::optional<std::int64_t> whole_number(const std::string& text);

/// Returns the variables that do not depend on the node, including those that the point's recipe derives. Those of the
/// point come after those of the profile, because a profile must not change what is measured: if a name occurs
/// repeatedly, the last value applies.
profile::Variables shared_environment(const profile::Profile& profile, const Point& point);

/// Returns the value that applies; nullptr if the variables do not contain the name.
const std::string* find_variable(const profile::Variables& variables, const std::string& name);

}  // namespace sweep
