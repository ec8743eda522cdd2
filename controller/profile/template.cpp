// Placeholders in the profile's benchmark: of a program, or of recipe files.
#include <filesystem>
#include <map>

#include "controller/profile/profile.hpp"
#include "controller/profile/recipe.hpp"
#include "proto/base/text.hpp"

namespace sweep::profile {

namespace {

std::map<std::string, std::string> placeholders(const Point& point) {
  return {{"model-prefix", point.exp_name.substr(0, point.exp_name.find('_'))},  // contract, section 3
          {"precision", point.precision},
          {"hw", point.runner.substr(0, point.runner.find('-'))},
          {"runner", point.runner},
          {"framework", point.framework},
          {"framework-suffix", point.framework == "trt" ? "_trt" : ""},
          {"exp-name", point.exp_name}};
}

Expected<std::string> value_of(const std::string& name, const std::map<std::string, std::string>& known) {
  if (const auto found = known.find(name); found != known.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known_name, value] : known)
    names.push_back(known_name);
  const auto near = nearest(name, names);
  return fail("unknown placeholder {" + name + "} in the profile's 'benchmark'; " +
              (near ? "did you mean {" + *near + "}?" : "known are {" + join(names, "}, {") + "}"));
}

/// bash, as InferenceMAX's scripts have it. Without a login or a startup file: what runs is what is written.
std::vector<std::string> in_a_shell(const std::string& command) {
  return {"bash", "-c", command};
}

/// The benchmark's words with their placeholders filled.
Expected<std::vector<std::string>> filled(const Profile& profile, const Point& point) {
  const auto known = placeholders(point);
  const std::string& text = profile.benchmark;
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ' || text[i] == '\t' || text[i] == '\n') {
      end_word();
      continue;
    }
    const std::size_t close = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (close == std::string::npos) {
      word += text[i];
      continue;
    }
    auto value = value_of(text.substr(i + 1, close - i - 1), known);
    if (!value) return tl::unexpected(value.error());
    word += *value;
    i = close;
  }
  end_word();
  if (words.empty()) return fail("the profile's 'benchmark' is empty; it must name a program");
  return words;
}

std::string in_folder(const Profile& profile, const std::string& path) {
  return (std::filesystem::path(profile.benchmark_folder) / path).lexically_normal().string();
}

bool names_recipe(const Profile& profile) {
  return profile.benchmark.ends_with(".yaml") &&
         profile.benchmark.find_first_of(" \t\n") == std::string::npos;
}

Expected<std::string> recipe_file(const Profile& profile, const Point& point) {
  const auto words = filled(profile, point);
  if (!words) return tl::unexpected(words.error());
  return in_folder(profile, (*words)[0]);
}

}  // namespace

std::int64_t step_value(const Step& step, std::int64_t number) {
  std::int64_t value = step.steps.empty() ? 0 : step.steps[0];
  for (const std::int64_t next : step.steps) {
    if (next <= number) value = next;
  }
  return value;
}

std::vector<std::string> server_command(const Recipe& recipe) {
  return in_a_shell(recipe.server);
}

Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point) {
  if (const Recipe* recipe = recipe_of(profile, point)) return in_a_shell(recipe->client);
  auto words = filled(profile, point);
  if (!words) return words;
  if (names_recipe(profile)) return fail("the recipe '" + (*words)[0] + "' has not been read");
  const bool beside = (*words)[0].starts_with("./") || (*words)[0].starts_with("../");
  if (beside && !profile.benchmark_folder.empty()) (*words)[0] = in_folder(profile, (*words)[0]);
  return words;
}

const Recipe* recipe_of(const Profile& profile, const Point& point) {
  if (!profile.recipe.server.empty()) return &profile.recipe;
  if (!names_recipe(profile)) return nullptr;
  const auto file = recipe_file(profile, point);
  const auto found = file ? profile.recipes.find(*file) : profile.recipes.end();
  return found == profile.recipes.end() ? nullptr : &found->second;
}

Expected<void> load_recipes(Profile& profile, const std::vector<Point>& points) {
  profile.recipes.clear();
  if (!profile.recipe.server.empty() || !names_recipe(profile)) return {};
  for (const Point& point : points) {
    const auto file = recipe_file(profile, point);
    if (!file) return tl::unexpected(file.error());
    if (profile.recipes.contains(*file)) continue;
    auto recipe = load_recipe(*file);
    if (!recipe) return fail(recipe.error().message + " (the recipe of " + label(point) + ")");
    profile.recipes.emplace(*file, std::move(*recipe));
  }
  return {};
}

}  // namespace sweep::profile
