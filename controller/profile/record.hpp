// A complete profile as JSON, in sweep.control: a controller that takes over after a crash reads it.
//
// Rule: the JSON may contain secrets (env), so it must be stored in a file that only the sweep's owner can
// read.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/profile/profile.hpp"
#include "util/error.hpp"

namespace sweep::profile {

/// Returns every field but `sources`, which is only for display.
nlohmann::json profile_to_json(const Profile& profile);
/// Parses what profile_to_json() wrote. Returns an error that names the field for anything else; unknown
/// fields are ignored.
Expected<Profile> profile_from_json(const nlohmann::json& body);

}  // namespace sweep::profile
