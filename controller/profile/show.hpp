// A merged profile as people read it: every key with its value and where that was said.
#pragma once

#include <string>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// YAML that reads as the same profile, each value with its source as a comment: "# FILE:LINE" or "#
/// default". Values of variables whose names say that they are secret (view::is_secret) are for the caller to
/// hide: `hidden`.
std::string show_profile(const Profile& profile, bool (*hidden)(std::string_view name));

}  // namespace sweep::profile
