// The `env` sections: environment variables for benchmarks.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"
#include "proto/base/point.hpp"

namespace sweep::profile {

/// Reads an `env` section into `variables`; it replaces variables of the same name.
void read_env(Reader& in, const yaml::Value& node, Variables& variables);

/// Returns the profile's variables for a point, followed by those of its runner, which override them. Known
/// placeholders are filled; other braces are kept, because a value may be JSON.
Variables variables_of(const Profile& profile, const Point& point);

}  // namespace sweep::profile
