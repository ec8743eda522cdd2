// The benchmark of a point as the profile defines it: a program, or a recipe.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "controller/profile/profile.hpp"
#include "proto/base/point.hpp"
#include "util/error.hpp"

namespace sweep::profile {

/// Returns the words that run the benchmark of a point.
/// - For a point of InferenceX, if the profile does not set `benchmark`: the script of the checkout
///   (workspace_script.hpp).
/// - For a program: `benchmark` with its {placeholders} filled, split at blanks of the template (never inside a
///   value). A first word that begins with ./ or ../ is relative to the profile's directory; other relative
///   paths are relative to the working directory of the benchmark.
/// - For a recipe: its client. Its command has no placeholders, because the shell has the point's variables.
///   Returns an error for an unknown placeholder. If `benchmark` names recipe files, load_recipes() must have
///   read them.
Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point);

/// Returns true if `benchmark` is a program without placeholders, so that every point runs the same one.
bool has_one_benchmark(const Profile& profile);

/// Returns the words that run the recipe's server.
std::vector<std::string> server_command(const Recipe& recipe);

/// Returns the workspace of a point; empty: the agent's working directory. Returns an error for an unknown
/// placeholder.
Expected<std::string> workspace_of(const Profile& profile, const Point& point);

/// Returns the directory of a point's benchmark if it is relative to the profile (./ or ../): a container
/// needs it as a mount. Empty otherwise.
std::string benchmark_mount(const Profile& profile, const Point& point);

/// Returns the value of a derived variable for a point whose `of` variable has the value `number`.
std::int64_t derived_value(const DerivedVariable& variable, std::int64_t number);

/// Returns the recipe of a point; nullptr if its benchmark is a program, or its recipe file has not been
/// read.
const Recipe* recipe_of(const Profile& profile, const Point& point);

/// If the profile's benchmark names recipe files, reads the files for these points. A relative path is
/// relative to the profile's directory. Returns an error that names file and line if one is missing or wrong.
/// Points whose ids are in `withdrawn` do not run any more; their recipes may be missing.
Expected<void> load_recipes(Profile& profile, const std::vector<Point>& points,
                            const std::set<std::string>& withdrawn = {});

}  // namespace sweep::profile
