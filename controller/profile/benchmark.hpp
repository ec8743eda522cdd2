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
/// - For a point that has no recipe although the profile names recipes (recipe_gap): the script of the checkout.
Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point);

/// Returns true if `benchmark` is a program without placeholders, so that every point runs the same one.
bool has_one_benchmark(const Profile& profile);

/// Returns the words that run the recipe's server.
std::vector<std::string> server_command(const Recipe& recipe);

/// Returns the words that run the recipe's evaluation; empty if it has none.
std::vector<std::string> eval_command(const Recipe& recipe);

/// Returns the workspace of a point; empty: the agent's working directory. Returns an error for an unknown
/// placeholder.
Expected<std::string> workspace_of(const Profile& profile, const Point& point);

/// Returns the directory of a point's benchmark if it is relative to the profile (./ or ../): a container
/// needs it as a mount. Empty otherwise.
std::string benchmark_mount(const Profile& profile, const Point& point);

/// Returns the value of a derived variable for a point whose `of` variable has the value `number`.
std::int64_t derived_value(const DerivedVariable& variable, std::int64_t number);

/// Returns the recipe that runs a point; nullptr if a program runs it, or its recipe file has not been read.
const Recipe* recipe_of(const Profile& profile, const Point& point);

/// Why no recipe runs a point although the profile's benchmark is a recipe or names recipe files. NoEvals: the point has an
/// evaluation, and the recipe has no command for it. None: in all other cases.
enum class RecipeGap { None, NoFile, NoEvals };
RecipeGap recipe_gap(const Profile& profile, const Point& point);

/// Returns the gap for a message: "there is no recipe 'FILE'"; "" for None.
std::string recipe_gap_text(const Profile& profile, const Point& point);

/// Returns true if the script of a checkout runs the point (workspace_script.hpp): if the profile does not set
/// `benchmark`, or no recipe runs the point.
bool runs_workspace_script(const Profile& profile, const Point& point);

/// Returns the names of the recipes in the folder of the point's recipe file, without .yaml, sorted.
std::vector<std::string> recipes_beside(const Profile& profile, const Point& point);

/// If the profile's benchmark names recipe files, reads the files for these points. A relative path is relative to the
/// profile's directory. A file that does not exist becomes a recipe without a server (recipe_gap). Returns an error that
/// names file and line if one is wrong. Points whose ids are in `withdrawn` do not run any more; their recipes may be
/// wrong.
Expected<void> load_recipes(Profile& profile, const std::vector<Point>& points,
                            const std::set<std::string>& withdrawn = {});

}  // namespace sweep::profile
