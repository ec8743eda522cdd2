// Exports a recipe as a standalone bash script that starts its own server: for a machine without slurm-sweep,
// to try a recipe by hand, and to measure how much time a running server saves. Pure.
#pragma once

#include <string>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// Returns the script. `name` and `text` are the recipe file's name, for the script's first line, and its
/// content, whose leading comment is copied. The script contains the commands unchanged and runs as `recipe`
/// does under an agent, with two differences: the server gets the complete environment, and the only time
/// limit is SERVER_TIMEOUT.
std::string single_script(const Recipe& recipe, const std::string& name, const std::string& text);

}  // namespace sweep::profile
