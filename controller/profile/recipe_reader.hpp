// Reads a recipe: either `benchmark:` of a profile, or a separate file.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"

namespace sweep::profile {

/// Reads the mapping into `recipe`, whose old value is dropped. Reports unknown keys, a missing command, invalid regular
/// expressions, paths that do not begin with /, and references to roles that do not exist.
void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe);

inline constexpr std::size_t kMaxRecipeBytes = std::size_t{1} << 20;

/// Parses `text`, the content of the recipe file `file`. Returns an error "FILE:LINE: …".
Expected<Recipe> parse_recipe(const std::string& file, const std::string& text);
/// Reads and parses a recipe file of at most kMaxRecipeBytes.
Expected<Recipe> load_recipe(const std::string& file);

}  // namespace sweep::profile
