// A profile as JSON, whole: for a controller that takes the place of one that died.
//
// Rule: it may hold secrets (env). Whoever writes it down does so for the sweep's owner alone.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/profile/profile.hpp"
#include "util/error.hpp"

namespace sweep::profile {

nlohmann::json profile_to_json(const Profile& profile);
/// Fails, naming the field, on anything that profile_to_json does not write.
Expected<Profile> profile_from_json(const nlohmann::json& body);

}  // namespace sweep::profile
