// A recipe as one bash script that starts a server of its own, for a machine without slurm-sweep, to try a
// recipe by hand, and to measure what a warm server saves. Pure: text in, text out.
#pragma once

#include <string>

#include "controller/profile/profile.hpp"

namespace sweep::profile {

/// The script. `name` is the recipe file's, for its first line; `heading` is what that file says of itself,
/// lines that begin with #, or empty. The commands stand in it as they are: it runs as `recipe` does under an
/// agent, but that the server sees the whole environment, and that deadlines are SERVER_TIMEOUT alone.
std::string single_script(const Recipe& recipe, const std::string& name, const std::string& heading);

/// The lines that a file begins with as long as they begin with #.
std::string heading_of(const std::string& text);

}  // namespace sweep::profile
