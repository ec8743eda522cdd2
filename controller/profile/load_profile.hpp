// Reads profile files and merges them.
#pragma once

#include <string>
#include <vector>

#include "controller/profile/profile.hpp"
#include "util/error.hpp"

namespace sweep::profile {

/// Returns the built-in defaults overridden by these files; later files win key by key. Every file must
/// exist. A relative workspace is relative to the file that sets it. Returns an error "FILE:LINE: …" that
/// names the value; for an unknown key it names the nearest known one.
Expected<Profile> load_profile(const std::vector<std::string>& files);

/// Returns `base` overridden by the profile in `text`. `name` is the file name in messages.
Expected<Profile> parse_profile(const std::string& text, const std::string& name, Profile base);

/// Returns those of the site's and the user's profile files that exist, in the order of merging. `home` may
/// be empty.
std::vector<std::string> default_layers(const std::string& home);

}  // namespace sweep::profile
