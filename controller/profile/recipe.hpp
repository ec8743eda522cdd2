// Reading `benchmark:` where it is a recipe: a mapping with a server and a client.
#pragma once

#include "controller/profile/profile.hpp"
#include "controller/profile/reader.hpp"

namespace sweep::profile {

/// Reads the mapping into `recipe`, replacing what is there. Complains of unknown keys, of a missing command,
/// of expressions that are none, and of paths that do not begin with /.
void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe);

}  // namespace sweep::profile
