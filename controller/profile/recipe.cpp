#include "controller/profile/recipe.hpp"

#include <algorithm>

#include "proto/base/line_pattern.hpp"
#include "proto/base/text.hpp"

namespace sweep::profile {

namespace {

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

/// A path on the server: where it listens is the agent's choice, and is in its PORT.
std::string read_path(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string path = read_text(in, key, node);
  const bool plain =
      std::all_of(path.begin(), path.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (!in.error && (!path.starts_with('/') || !plain)) {
    in.complain(node, "'" + key + "' must be a path such as /health, got " + shown(node) +
                          "; the agent asks for it at 127.0.0.1 and the server's PORT");
  }
  return path;
}

std::string read_pattern(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string text = read_text(in, key, node);
  if (in.error) return text;
  if (const auto pattern = LinePattern::compile(text); !pattern)
    in.complain(node,
                "'" + key + "' is no regular expression: " + shown(node) + ": " + pattern.error().message);
  return text;
}

std::vector<std::string> read_names(Reader& in, const yaml::Value& node) {
  std::vector<std::string> names;
  if (!node.is(yaml::Kind::List)) {
    in.complain(node, "the server's 'env' must be a list of names, such as [MODEL, TP], got " + shown(node));
    return names;
  }
  for (const auto& item : node.items) {
    const std::string name = key_text(*item);
    if (!valid_name(name)) in.complain(*item, shown(*item) + " is no name of an environment variable");
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

KeyReader path_of(const std::string& what, std::string& to) {
  return [what, &to](Reader& in, const std::string&, const yaml::Value& node) {
    read_map(in, what, node, {{"url", [&](auto& r, auto& k, auto& n) { to = read_path(r, k, n); }}});
  };
}

void read_ready(Reader& in, const yaml::Value& node, Recipe& recipe) {
  read_map(in, "the server's 'ready'", node,
           {{"url", [&](auto& r, auto& k, auto& n) { recipe.ready_url = read_path(r, k, n); }},
            {"log", [&](auto& r, auto& k, auto& n) { recipe.ready_log = read_pattern(r, k, n); }}});
  if (!in.error && recipe.ready_url.empty() == recipe.ready_log.empty())
    in.complain(node,
                "the server's 'ready' must have either 'url' (a path that answers 200) or 'log' (an "
                "expression for a line of its output)");
}

void read_server(Reader& in, const yaml::Value& node, Recipe& recipe) {
  bool has_env = false;
  read_map(in, "the recipe's 'server'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { recipe.server = read_text(r, k, n); }},
            {"env",
             [&](auto& r, auto&, auto& n) {
               recipe.server_env = read_names(r, n);
               has_env = true;
             }},
            {"ready", [&](auto& r, auto&, auto& n) { read_ready(r, n, recipe); }},
            {"reset", path_of("the server's 'reset'", recipe.reset_url)},
            {"health", path_of("the server's 'health'", recipe.health_url)},
            {"progress", [&](auto& r, auto& k, auto& n) { recipe.progress = read_pattern(r, k, n); }}});
  if (in.error) return;
  if (is_blank(recipe.server)) return in.complain(node, "the recipe's 'server' has no 'command'");
  if (!has_env)
    return in.complain(node,
                       "the recipe's 'server' has no 'env': the names of the variables that its command "
                       "uses, such as [MODEL, TP]; points that agree on them share a running server");
  if (recipe.ready_url.empty() && recipe.ready_log.empty())
    in.complain(node,
                "the recipe's 'server' has no 'ready': 'url' (a path that answers 200) or 'log' (an "
                "expression for a line of its output)");
}

void read_client(Reader& in, const yaml::Value& node, Recipe& recipe) {
  read_map(in, "the recipe's 'client'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { recipe.client = read_text(r, k, n); }}});
  if (!in.error && is_blank(recipe.client)) in.complain(node, "the recipe's 'client' has no 'command'");
}

}  // namespace

void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe) {
  recipe = Recipe();
  bool has_client = false;
  read_map(in, "the recipe of 'benchmark'", node,
           {{"server", [&](auto& r, auto&, auto& n) { read_server(r, n, recipe); }},
            {"client", [&](auto& r, auto&, auto& n) {
               read_client(r, n, recipe);
               has_client = true;
             }}});
  if (in.error) return;
  if (recipe.server.empty() || !has_client)
    in.complain(node, "the recipe of 'benchmark' has no '" + std::string(has_client ? "server" : "client") +
                          "'; it needs a 'server' and a 'client', each with a 'command'");
  if (recipe.health_url.empty()) recipe.health_url = recipe.ready_url;
}

}  // namespace sweep::profile
