// Prints a merged profile for people: every key with its value and where the value was set.
#pragma once

#include <string>
#include <string_view>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// Returns YAML that load_profile() reads as the same profile. Each value is followed by its source as a
/// comment: "# FILE:LINE" or "# default". The values of variables for whose names `hidden` returns true are
/// not shown, and a recipe is abbreviated.
std::string show_profile(const Profile& profile, bool (*hidden)(std::string_view name));

}  // namespace sweep::profile
