// A recipe as one bash script that starts a server of its own, for a machine without slurm-sweep, to try a
// recipe by hand, and to measure what a warm server saves. Pure: text in, text out.
#pragma once

#include <string>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// The script. `name` is the recipe file's, for its first line; `text` is that file's, for the comment that
/// it begins with. The commands stand in it as they are: it runs as `recipe` does under an agent, but that
/// the server sees the whole environment, and that deadlines are SERVER_TIMEOUT alone.
std::string single_script(const Recipe& recipe, const std::string& name, const std::string& text);

}  // namespace sweep::profile
