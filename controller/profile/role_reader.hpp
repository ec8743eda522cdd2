// Reads the `roles` of a recipe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/profile/reader.hpp"
#include "controller/profile/recipe.hpp"

namespace sweep::profile {

/// Reads a number from 0 to `most`, or {of: VARIABLE}.
Count read_number(Reader& in, const std::string& key, const yaml::Value& node, std::int64_t most);

/// Reads `on`: one of `words`, or a worker such as prefill.0. check_place() checks the worker.
std::string read_place(Reader& in, const std::string& key, const yaml::Value& node);

/// Reports at `node` a place that is a worker of a role that does not exist or has no GPUs. `what`: who is placed.
void check_place(Reader& in, const yaml::Value& node, const std::string& what, const std::string& place,
                 const std::vector<Role>& roles);

/// Reads the mapping of roles. Reports, with their lines: unknown keys, missing commands, places and needs that do not
/// exist, and roles that need themselves.
void read_roles(Reader& in, const yaml::Value& node, std::vector<Role>& roles);

}  // namespace sweep::profile
