// Placeholders in the profile's benchmark.
#include <filesystem>
#include <map>

#include "controller/profile/profile.hpp"
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

}  // namespace

std::vector<std::string> server_command(const Recipe& recipe) {
  return in_a_shell(recipe.server);
}

Expected<std::vector<std::string>> benchmark_command(const Profile& profile, const Point& point) {
  if (!profile.recipe.server.empty()) return in_a_shell(profile.recipe.client);
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
  const bool beside = words[0].starts_with("./") || words[0].starts_with("../");
  if (beside && !profile.benchmark_folder.empty()) {
    words[0] = (std::filesystem::path(profile.benchmark_folder) / words[0]).lexically_normal().string();
  }
  return words;
}

}  // namespace sweep::profile
