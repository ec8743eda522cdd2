// Prints a merged profile for people: every key with its value and where the value was set.
#pragma once

#include <string>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// Returns YAML that load_profile() reads as the same profile, except that secrets, and the values of
/// variables that are not known to be harmless, are "(set)" (util/recorded.hpp), and that a recipe is
/// abbreviated. Each value is followed by its source as a comment: "# FILE:LINE" or "# default".
std::string show_profile(const Profile& profile);

}  // namespace sweep::profile
