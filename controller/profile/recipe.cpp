#include "controller/profile/recipe.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// Reads the path of a URL on the server. The agent chooses the port and passes it to the server as PORT.
std::string read_path(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string path = read_text(in, key, node);
  const bool plain =
      std::all_of(path.begin(), path.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (!in.error && (!path.starts_with('/') || !plain)) {
    in.complain(node, "'" + key + "' must be a path such as /health, got " + shown(node) +
                          "; the agent requests it from 127.0.0.1 at the server's PORT");
  }
  return path;
}

/// Reads {of: CONC, steps: [1, 16]}.
void read_derived(Reader& in, const std::string& name, const yaml::Value& node, Recipe& recipe) {
  DerivedVariable derived;
  derived.name = name;
  read_map(
      in, "'" + name + "'", node,
      {{"of", [&](auto& r, auto& k, auto& n) { derived.of = read_text(r, k, n); }},
       {"steps", [&](auto& r, auto&, auto& n) {
          for (const auto& item : n.items)
            derived.steps.push_back(item->is(yaml::Kind::Int) && !item->scalar.huge ? item->scalar.integer
                                                                                    : -1);
          const bool rising = std::is_sorted(derived.steps.begin(), derived.steps.end(), std::less_equal<>());
          if (derived.steps.empty() || !rising || derived.steps[0] < 0)
            r.complain(n, "the steps of '" + name + "' must be ascending whole numbers, such as [1, 16]");
        }}});
  if (!in.error && (derived.of.empty() || derived.steps.empty()))
    in.complain(
        node, "'" + name +
                  "' needs 'of', a variable with a number, and 'steps', such as {of: CONC, steps: [1, 16]}");
  recipe.derived.push_back(std::move(derived));
}

void read_names(Reader& in, const yaml::Value& node, Recipe& recipe) {
  std::vector<std::string>& names = recipe.server_env;
  if (!node.is(yaml::Kind::List)) {
    in.complain(node, "the server's 'env' must be a list of names, such as [MODEL, TP], got " + shown(node));
    return;
  }
  for (const auto& item : node.items) {
    const bool derived = item->is(yaml::Kind::Dict) && item->members.size() == 1;
    const std::string name = key_text(derived ? *item->members[0].key : *item);
    if (!valid_name(name))
      in.complain(*item, shown(*item) + " is not a valid name of an environment variable");
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    if (derived) read_derived(in, name, *item->members[0].value, recipe);
    names.push_back(name);
  }
}

/// Returns a reader of {url: PATH}.
KeyReader url_reader(const std::string& what, std::string& to) {
  return [what, &to](Reader& in, const std::string&, const yaml::Value& node) {
    read_map(in, what, node, {{"url", [&](auto& r, auto& k, auto& n) { to = read_path(r, k, n); }}});
  };
}

void read_ready(Reader& in, const yaml::Value& node, Recipe& recipe) {
  read_map(in, "the server's 'ready'", node,
           {{"url", [&](auto& r, auto& k, auto& n) { recipe.ready_url = read_path(r, k, n); }},
            {"log", [&](auto& r, auto& k, auto& n) { recipe.ready_log = read_pattern(r, k, n); }}});
  if (!in.error && recipe.ready_url.empty() == recipe.ready_log.empty())
    in.complain(
        node,
        "the server's 'ready' must have either 'url' (a path that answers 200) or 'log' (a regular expression "
        "for a line of its output)");
}

void read_server(Reader& in, const yaml::Value& node, Recipe& recipe) {
  bool has_env = false;
  read_map(in, "the recipe's 'server'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { recipe.server = read_text(r, k, n); }},
            {"env",
             [&](auto& r, auto&, auto& n) {
               read_names(r, n, recipe);
               has_env = true;
             }},
            {"ready", [&](auto& r, auto&, auto& n) { read_ready(r, n, recipe); }},
            {"reset", url_reader("the server's 'reset'", recipe.reset_url)},
            {"health", url_reader("the server's 'health'", recipe.health_url)},
            {"progress", [&](auto& r, auto& k, auto& n) { recipe.progress = read_pattern(r, k, n); }}});
  if (in.error) return;
  if (is_blank(recipe.server)) return in.complain(node, "the recipe's 'server' has no 'command'");
  if (!has_env)
    return in.complain(node,
                       "the recipe's 'server' has no 'env': the names of the variables that its command "
                       "uses, such as [MODEL, TP]; points with the same values share a running server");
  if (recipe.ready_url.empty() && recipe.ready_log.empty())
    in.complain(
        node,
        "the recipe's 'server' has no 'ready'; add 'url' (a path that answers 200) or 'log' (a regular "
        "expression for a line of its output)");
}

void read_client(Reader& in, const yaml::Value& node, Recipe& recipe) {
  read_map(in, "the recipe's 'client'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { recipe.client = read_text(r, k, n); }}});
  if (!in.error && is_blank(recipe.client)) in.complain(node, "the recipe's 'client' has no 'command'");
}

void read_eval(Reader& in, const yaml::Value& node, Recipe& recipe) {
  read_map(in, "the recipe's 'eval'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { recipe.eval = read_text(r, k, n); }}});
  if (!in.error && is_blank(recipe.eval)) in.complain(node, "the recipe's 'eval' has no 'command'");
}

}  // namespace

void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe) {
  recipe = Recipe();
  bool has_client = false;
  read_map(in, "the recipe of 'benchmark'", node,
           {{"server", [&](auto& r, auto&, auto& n) { read_server(r, n, recipe); }},
            {"client",
             [&](auto& r, auto&, auto& n) {
               read_client(r, n, recipe);
               has_client = true;
             }},
            {"eval", [&](auto& r, auto&, auto& n) { read_eval(r, n, recipe); }}});
  if (in.error) return;
  if (recipe.server.empty() || !has_client)
    in.complain(node, "the recipe of 'benchmark' has no '" + std::string(has_client ? "server" : "client") +
                          "'; it needs a 'server' and a 'client', each with a 'command'");
  if (recipe.health_url.empty()) recipe.health_url = recipe.ready_url;
}

Expected<Recipe> parse_recipe(const std::string& file, const std::string& text) {
  const auto root = yaml::parse_document(text);
  if (!root) return fail(file + ": not YAML: " + root.error().message);
  Reader in{file, {}};
  Recipe recipe;
  read_recipe(in, **root, recipe);
  if (in.error) return tl::unexpected(*in.error);
  return recipe;
}

Expected<Recipe> load_recipe(const std::string& file) {
  SWEEP_ASSIGN(const auto text, read_file(file, kMaxRecipeBytes));
  return parse_recipe(file, text);
}

}  // namespace sweep::profile
