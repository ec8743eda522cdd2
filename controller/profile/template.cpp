// Placeholders in the profile's benchmark: of a program, or of recipe files.
#include <algorithm>
#include <filesystem>
#include <map>

#include "container/core/image.hpp"
#include "controller/profile/profile.hpp"
#include "controller/profile/recipe.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

using Known = std::map<std::string, std::string>;

Known placeholders(const Point& point) {
  return {{"model-prefix", point.exp_name.substr(0, point.exp_name.find('_'))},  // contract, section 3
          {"precision", point.precision},
          {"hw", point.runner.substr(0, point.runner.find('-'))},
          {"runner", point.runner},
          {"framework", point.framework},
          {"framework-suffix", point.framework == "trt" ? "_trt" : ""},
          {"exp-name", point.exp_name},
          {"image", point.image},
          {"image-slug", container::image_slug(point.image)}};
}

Expected<std::string> value_of(const std::string& name, const Known& known, const std::string& what) {
  if (const auto found = known.find(name); found != known.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known_name, value] : known)
    names.push_back(known_name);
  const auto near = nearest(name, names);
  return fail("unknown placeholder {" + printable(name) + "} in the profile's '" + what + "'; " +
              (near ? "did you mean {" + *near + "}?" : "known are {" + join(names, "}, {") + "}"));
}

/// Walks a template: literal(char) for what stands in it, hole(name) for each {name}. A hole that is not
/// taken (false) is text like any other.
template <class Literal, class Hole>
void walk(const std::string& text, Literal literal, Hole hole) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t close = text[i] == '{' ? text.find('}', i) : std::string::npos;
    if (close != std::string::npos && hole(text.substr(i + 1, close - i - 1))) {
      i = close;
    } else {
      literal(text[i]);
    }
  }
}

/// Fills what is known, and leaves everything else: a value may be JSON.
std::string with_known(const std::string& text, const Known& known) {
  std::string out;
  walk(
      text, [&](char c) { out += c; },
      [&](const std::string& name) {
        const auto found = known.find(name);
        if (found != known.end()) out += found->second;
        return found != known.end();
      });
  return out;
}

/// The same where each has to be known: literal(char) and value(text) in turn. Fails on the first that is
/// none.
template <class Literal, class Value>
Expected<void> fill(const std::string& text, const Point& point, const std::string& what, Literal literal,
                    Value value) {
  const Known known = placeholders(point);
  Expected<void> done;
  walk(text, literal, [&](const std::string& name) {
    const auto found = value_of(name, known, what);
    if (found) value(*found);
    if (!found && done) done = tl::unexpected(found.error());
    return true;
  });
  return done;
}

/// bash, as InferenceMAX's scripts have it. Without a login or a startup file: what runs is what is written.
std::vector<std::string> in_a_shell(const std::string& command) {
  return {"bash", "-c", command};
}

/// The benchmark's words with their placeholders filled.
Expected<std::vector<std::string>> filled(const Profile& profile, const Point& point) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  const auto literal = [&](char c) { c == ' ' || c == '\t' || c == '\n' ? end_word() : word.push_back(c); };
  const auto done =
      fill(profile.benchmark, point, "benchmark", literal, [&](const std::string& value) { word += value; });
  if (!done) return tl::unexpected(done.error());
  end_word();
  if (words.empty()) return fail("the profile's 'benchmark' is empty; it must name a program");
  return words;
}

/// Whether a program is one of the profile's folder, and not of where the benchmark runs.
bool is_beside(const Profile& profile, const std::string& program) {
  return (program.starts_with("./") || program.starts_with("../")) && !profile.benchmark_folder.empty();
}

std::string in_folder(const Profile& profile, const std::string& path) {
  return (std::filesystem::path(profile.benchmark_folder) / path).lexically_normal().string();
}

bool names_recipe(const Profile& profile) {
  return profile.benchmark.ends_with(".yaml") &&
         profile.benchmark.find_first_of(" \t\n") == std::string::npos;
}

Expected<std::string> recipe_file(const Profile& profile, const Point& point) {
  SWEEP_ASSIGN(const auto words, filled(profile, point));
  return in_folder(profile, (words)[0]);
}

}  // namespace

Expected<std::string> filled_text(const std::string& text, const Point& point, const std::string& what) {
  if (text.find('{') == std::string::npos) return text;
  std::string out;
  const auto done = fill(
      text, point, what, [&](char c) { out += c; }, [&](const std::string& value) { out += value; });
  if (!done) return tl::unexpected(done.error());
  return out;
}

Expected<std::string> workspace_of(const Profile& profile, const Point& point) {
  return filled_text(profile.workspace, point, "workspace");
}

Variables variables_of(const Profile& profile, const Point& point) {
  Variables out = profile.env;
  if (const Runner* runner = runner_of(profile, point.runner))
    out.insert(out.end(), runner->env.begin(), runner->env.end());
  const bool any = std::any_of(out.begin(), out.end(),
                               [](const auto& v) { return v.second.find('{') != std::string::npos; });
  if (!any) return out;
  const Known known = placeholders(point);
  for (auto& [name, value] : out)
    value = with_known(value, known);
  return out;
}

std::int64_t step_value(const DerivedVariable& step, std::int64_t number) {
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
  if (is_beside(profile, (*words)[0])) (*words)[0] = in_folder(profile, (*words)[0]);
  return words;
}

std::string folder_beside(const Profile& profile, const Point& point) {
  if (recipe_of(profile, point) != nullptr) return {};
  const auto words = filled(profile, point);
  if (!words || !is_beside(profile, (*words)[0])) return {};
  return std::filesystem::path(in_folder(profile, (*words)[0])).parent_path().string();
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
    SWEEP_ASSIGN(const auto file, recipe_file(profile, point));
    if (profile.recipes.contains(file)) continue;
    auto recipe = load_recipe(file);
    if (!recipe) return fail(recipe.error().message + " (the recipe of " + label(point) + ")");
    profile.recipes.emplace(file, std::move(*recipe));
  }
  return {};
}

}  // namespace sweep::profile
