#include "controller/profile/benchmark.hpp"

#include <algorithm>
#include <filesystem>

#include "controller/profile/recipe_reader.hpp"
#include "controller/profile/template.hpp"
#include "controller/profile/workspace_script.hpp"
#include "proto/base/inferencex_entry.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

/// bash as in InferenceMAX's scripts, but without login or startup files, so that only the written command
/// runs.
std::vector<std::string> in_bash(const std::string& command) {
  return {"bash", "-c", command};
}

/// Returns the words of `benchmark` with their placeholders filled. Blanks of the template separate words.
Expected<std::vector<std::string>> benchmark_words(const Profile& profile, const Point& point) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  const auto literal = [&](char c) { c == ' ' || c == '\t' || c == '\n' ? end_word() : word.push_back(c); };
  SWEEP_TRY(walk_template(profile.benchmark, point, "benchmark", literal,
                          [&](const std::string& value) { word += value; }));
  end_word();
  if (words.empty()) return fail("the profile's 'benchmark' is empty; it must name a program");
  return words;
}

/// Returns true if the program is relative to the profile's directory, not to the benchmark's working
/// directory.
bool is_beside_profile(const Profile& profile, const std::string& program) {
  return (program.starts_with("./") || program.starts_with("../")) && !profile.benchmark_folder.empty();
}

std::string in_profile_folder(const Profile& profile, const std::string& path) {
  return (std::filesystem::path(profile.benchmark_folder) / path).lexically_normal().string();
}

bool names_recipe_files(const Profile& profile) {
  return profile.benchmark.ends_with(".yaml") &&
         profile.benchmark.find_first_of(" \t\n") == std::string::npos;
}

Expected<std::string> recipe_file(const Profile& profile, const Point& point) {
  SWEEP_ASSIGN(const auto words, benchmark_words(profile, point));
  return in_profile_folder(profile, words[0]);
}

/// Returns the profile's recipe, or that of the point's recipe file, if it was read; nullptr if there is none.
const Recipe* named_recipe(const Profile& profile, const Point& point) {
  if (!profile.recipe.empty()) return &profile.recipe;
  if (!names_recipe_files(profile)) return nullptr;
  const auto file = recipe_file(profile, point);
  const auto found = file ? profile.recipes.find(*file) : profile.recipes.end();
  return found == profile.recipes.end() ? nullptr : &found->second;
}

bool runs(const Recipe& recipe, const Point& point) {
  return !recipe.empty() && (!is_evaluated(point) || !recipe.eval.empty());
}

}  // namespace

Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point) {
  if (const Recipe* recipe = recipe_of(profile, point)) return in_bash(recipe->client);
  if (runs_workspace_script(profile, point)) return workspace_script_command(point);
  SWEEP_ASSIGN(auto words, benchmark_words(profile, point));
  if (names_recipe_files(profile)) return fail("the recipe '" + words[0] + "' has not been read");
  if (is_beside_profile(profile, words[0])) words[0] = in_profile_folder(profile, words[0]);
  return words;
}

bool has_one_benchmark(const Profile& profile) {
  return profile.recipe.empty() && profile.benchmark.find('{') == std::string::npos &&
         !names_recipe_files(profile);
}

std::vector<std::string> server_command(const Recipe& recipe) {
  return in_bash(recipe.server.command);
}

std::vector<std::string> eval_command(const Recipe& recipe) {
  return recipe.eval.empty() ? std::vector<std::string>() : in_bash(recipe.eval);
}

Expected<std::string> workspace_of(const Profile& profile, const Point& point) {
  return fill_template(profile.workspace, point, "workspace");
}

std::string benchmark_mount(const Profile& profile, const Point& point) {
  if (recipe_of(profile, point) != nullptr || runs_workspace_script(profile, point)) return {};
  const auto words = benchmark_words(profile, point);
  if (!words || !is_beside_profile(profile, (*words)[0])) return {};
  return std::filesystem::path(in_profile_folder(profile, (*words)[0])).parent_path().string();
}

std::int64_t derived_value(const DerivedVariable& variable, std::int64_t number) {
  std::int64_t value = variable.steps.empty() ? 0 : variable.steps[0];
  for (const std::int64_t next : variable.steps) {
    if (next <= number) value = next;
  }
  return value;
}

const Recipe* recipe_of(const Profile& profile, const Point& point) {
  const Recipe* recipe = named_recipe(profile, point);
  return recipe != nullptr && runs(*recipe, point) ? recipe : nullptr;
}

RecipeGap recipe_gap(const Profile& profile, const Point& point) {
  const Recipe* recipe = named_recipe(profile, point);
  if (recipe == nullptr || runs(*recipe, point)) return RecipeGap::None;
  return recipe->empty() ? RecipeGap::NoFile : RecipeGap::NoEvals;
}

std::string recipe_gap_text(const Profile& profile, const Point& point) {
  const RecipeGap gap = recipe_gap(profile, point);
  if (gap == RecipeGap::None) return {};
  const bool inside = !profile.recipe.empty();
  const std::string name = inside ? "" : " '" + recipe_file(profile, point).value_or("") + "'";
  return gap == RecipeGap::NoFile ? "there is no recipe" + name : "the recipe" + name + " has no 'eval'";
}

bool runs_workspace_script(const Profile& profile, const Point& point) {
  const bool by_default = profile.recipe.empty() && profile.benchmark == kDefaultBenchmark;
  return by_default ? point.inferencex != nullptr : recipe_gap(profile, point) != RecipeGap::None;
}

std::vector<std::string> recipes_beside(const Profile& profile, const Point& point) {
  const auto file = recipe_file(profile, point);
  const std::filesystem::path folder = std::filesystem::path(file.value_or("")).parent_path();
  std::vector<std::string> names;
  std::error_code code;
  for (std::filesystem::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) {
    if (at->path().extension() == ".yaml") names.push_back(printable(at->path().stem().string()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Expected<void> load_recipes(Profile& profile, const std::vector<Point>& points,
                            const std::set<std::string>& withdrawn) {
  profile.recipes.clear();
  if (!profile.recipe.empty() || !names_recipe_files(profile)) return {};
  for (const Point& point : points) {
    SWEEP_ASSIGN(const auto file, recipe_file(profile, point));
    if (profile.recipes.contains(file)) continue;
    std::error_code code;
    if (!std::filesystem::exists(file, code) && !code) {
      profile.recipes.emplace(file, Recipe());
      continue;
    }
    auto recipe = load_recipe(file);
    if (!recipe && withdrawn.contains(point.id)) continue;
    if (!recipe) return fail(recipe.error().message + " (the recipe of " + label(point) + ")");
    profile.recipes.emplace(file, std::move(*recipe));
  }
  return {};
}

}  // namespace sweep::profile
