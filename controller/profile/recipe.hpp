// Reading a recipe, a mapping with a server and a client: `benchmark:` of a profile, or a file of its own.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"

namespace sweep::profile {

/// Reads the mapping into `recipe`, replacing what is there. Complains of unknown keys, of a missing command,
/// of expressions that are none, and of paths that do not begin with /.
void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe);

inline constexpr std::size_t kMaxRecipeBytes = std::size_t{1} << 20;

/// The text of a file that is a recipe as a whole. Fails with "FILE:LINE: …".
Expected<Recipe> parse_recipe(const std::string& file, const std::string& text);
/// The same, read from the file.
Expected<Recipe> load_recipe(const std::string& file);

}  // namespace sweep::profile
