// Which script of a checkout of InferenceX or InferenceMAX runs a point. Contract of August 2026, section 14. Pure.
#pragma once

#include <string>
#include <vector>

#include "proto/base/point.hpp"

namespace sweep::profile {

/// Returns the paths, relative to the checkout, at which the script of a point may be, in the order in which they are
/// tried. For a point of InferenceX: the one that names the framework, the one without, and the places of 2025. For one
/// of InferenceMAX, only the latter.
std::vector<std::string> workspace_scripts(const Point& point);

/// Returns the words that run the first of these scripts that exists in the working directory. If none of them exists, they
/// print what was looked for and exit with status 127.
std::vector<std::string> workspace_script_command(const Point& point);

}  // namespace sweep::profile
