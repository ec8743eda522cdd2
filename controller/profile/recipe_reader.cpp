#include "controller/profile/recipe_reader.hpp"

#include <utility>

#include "controller/profile/role_reader.hpp"
#include "controller/profile/server_reader.hpp"
#include "controller/profile/yaml_text.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

const SectionName kServer = {"the recipe's 'server'", "the server's"};

void read_server(Reader& in, const yaml::Value& node, Recipe& recipe) {
  ServerSection& server = recipe.server;
  bool has_env = false;
  read_map(in, kServer.section, node,
           {{"command", [&](auto& r, auto& k, auto& n) { server.command = read_text(r, k, n); }},
            {"env",
             [&](auto& r, auto&, auto& n) {
               read_server_env(r, kServer, n, server);
               has_env = true;
             }},
            {"ready", [&](auto& r, auto&, auto& n) { read_server_ready(r, kServer, n, server); }},
            {"reset", [&](auto& r, auto&,
                          auto& n) { read_url_check(r, "the server's 'reset'", n, false, server.reset); }},
            {"health", [&](auto& r, auto&,
                           auto& n) { read_url_check(r, "the server's 'health'", n, false, server.health); }},
            {"progress", [&](auto& r, auto& k, auto& n) { server.progress = read_pattern(r, k, n); }}});
  if (in.error) return;
  if (is_blank(server.command)) return in.complain(node, "the recipe's 'server' has no 'command'");
  if (!has_env)
    return in.complain(node,
                       "the recipe's 'server' has no 'env': the names of the variables that its command "
                       "uses, such as [MODEL, TP]; points with the same values share a running server");
  if (server.ready.path.empty() && server.ready_log.empty())
    in.complain(
        node,
        "the recipe's 'server' has no 'ready'; add 'url' (a path that answers 200) or 'log' (a regular "
        "expression for a line of its output)");
}

/// Reads a section whose only key is `command`, and for the client of a gang `on`.
void read_command(Reader& in, const std::string& key, const yaml::Value& node, std::string& command,
                  std::string* place = nullptr) {
  const std::string what = "the recipe's '" + key + "'";
  Table keys = {{"command", [&](auto& r, auto& k, auto& n) { command = read_text(r, k, n); }}};
  if (place != nullptr) keys["on"] = [&](auto& r, auto& k, auto& n) { *place = read_place(r, k, n); };
  read_map(in, what, node, keys);
  if (!in.error && is_blank(command)) in.complain(node, what + " has no 'command'");
}

void read_file_section(Reader& in, const yaml::Value& node, RoleFile& file) {
  bool has_text = false;
  const std::string what = "file '" + printable(file.name) + "'";
  read_map(in, what, node,
           {{"for", [&](auto& r, auto& k, auto& n) { file.role = read_text(r, k, n); }},
            {"yaml", [&](auto&, auto&, auto& n) { file.text = yaml_text(n), has_text = true; }},
            {"text", [&](auto& r, auto& k, auto& n) { file.text = read_text(r, k, n), has_text = true; }}});
  if (!in.error && (file.role.empty() || !has_text))
    in.complain(node, what + " needs 'for', the role that reads it, and its content as 'yaml' or 'text'");
}

void read_files(Reader& in, const yaml::Value& node, Recipe& recipe) {
  constexpr std::size_t kMaxFiles = 64;
  if (!node.is(yaml::Kind::Dict) || node.members.size() > kMaxFiles)
    return in.complain(node, "'files' must be a mapping of at most " + std::to_string(kMaxFiles) +
                                 " file names to {for: ROLE, yaml: …}, got " + shown(node));
  for (const auto& [key, value] : node.members) {
    RoleFile file;
    file.name = key_text(*key);
    if (file.name.empty() || file.name.starts_with('.') || file_safe(file.name) != file.name)
      return in.complain(*key, shown(*key) + " is not a plain file name");
    read_file_section(in, *value, file);
    recipe.files.push_back(std::move(file));
  }
}

void read_prepare(Reader& in, const yaml::Value& node, Recipe& recipe) {
  Prepare prepare;
  read_map(in, "the recipe's 'prepare'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { prepare.command = read_text(r, k, n); }},
            {"key", [&](auto& r, auto& k, auto& n) { prepare.key = read_texts(r, k, n); }}});
  if (!in.error && is_blank(prepare.command)) in.complain(node, "the recipe's 'prepare' has no 'command'");
  recipe.prepare = std::move(prepare);
}

void read_script(Reader& in, const yaml::Value& node, Recipe& recipe) {
  constexpr std::int64_t kMaxNodes = 4096;
  NodesScript script;
  read_map(in, "the recipe's 'script'", node,
           {{"command", [&](auto& r, auto& k, auto& n) { script.command = read_text(r, k, n); }},
            {"nodes", [&](auto& r, auto& k, auto& n) { script.nodes = read_number(r, k, n, kMaxNodes); }}});
  if (in.error) return;
  if (is_blank(script.command)) return in.complain(node, "the recipe's 'script' has no 'command'");
  if (script.nodes == Count{})
    return in.complain(node, "the recipe's 'script' has no 'nodes', the number of nodes on which it runs");
  recipe.script = std::move(script);
}

/// The values of a recipe's keys; nullptr: the recipe does not have the key.
struct Given {
  const yaml::Value *server = nullptr, *client = nullptr, *roles = nullptr, *files = nullptr,
                    *prepare = nullptr, *public_role = nullptr, *script = nullptr, *eval = nullptr;
};

/// Reports keys that a recipe of another kind has.
void check_kind(Reader& in, const yaml::Value& node, const Given& given) {
  using Named = std::pair<const char*, const yaml::Value*>;
  const std::string what = "the recipe of 'benchmark'";
  if (given.script != nullptr) {
    for (const auto& [key, value] :
         {Named{"server", given.server}, Named{"client", given.client}, Named{"roles", given.roles},
          Named{"files", given.files}, Named{"public", given.public_role}})
      if (value != nullptr)
        return in.complain(*value, what + " has both 'script' and '" + key +
                                       "'; a script starts its servers and its client itself");
    return;
  }
  if (given.server != nullptr && given.roles != nullptr)
    return in.complain(*given.roles,
                       what + " has both 'server' and 'roles'; make the server one of the roles");
  for (const auto& [key, value] :
       {Named{"files", given.files}, Named{"prepare", given.prepare}, Named{"public", given.public_role}})
    if (value != nullptr && given.roles == nullptr)
      return in.complain(*value, what + " has '" + std::string(key) + "', which needs 'roles'");
  const bool has_client = given.client != nullptr,
             has_servers = given.server != nullptr || given.roles != nullptr;
  if (!has_client || !has_servers)
    in.complain(node, what + " has no '" + std::string(has_client ? "server" : "client") +
                          "'; it needs a 'server' (or 'roles') and a 'client', each with a 'command'");
}

/// Reports references to roles that do not exist, and chooses the public role if only one is possible.
void check_gang(Reader& in, const Given& given, Recipe& recipe) {
  std::vector<std::string> names;
  for (const Role& role : recipe.roles)
    names.push_back(role.name);
  const auto check_role = [&](const yaml::Value& at, const std::string& what, const std::string& name) {
    if (find_role(recipe.roles, name) != nullptr) return;
    const auto near = nearest(name, names);
    in.complain(at, what + " names the role '" + printable(name) + "', which does not exist; " +
                        (near ? "did you mean '" + *near + "'?" : "roles: " + join(names, ", ")));
  };
  for (const RoleFile& file : recipe.files)
    check_role(*given.files, "file '" + file.name + "'", file.role);
  check_place(in, *given.client, "the client", recipe.client_on, recipe.roles);
  if (recipe.client_on == kOnEach || recipe.client_on == kOnClient)
    in.complain(*given.client, "the client cannot be placed on '" + recipe.client_on +
                                   "'; use head, own, or a worker such as prefill.0");
  if (given.public_role != nullptr) return check_role(*given.public_role, "'public'", recipe.public_role);
  if (recipe.roles.size() > 1)
    return in.complain(*given.roles,
                       "the recipe has several roles and no 'public'; name the role whose address the "
                       "client gets in URL, such as public: " +
                           names.back());
  recipe.public_role = names.front();
}

/// Returns a reader that only stores where the value is.
KeyReader keeper(const yaml::Value*& to) {
  return [&to](Reader&, const std::string&, const yaml::Value& node) { to = &node; };
}

void read_gang(Reader& in, const Given& given, Recipe& recipe) {
  read_roles(in, *given.roles, recipe.roles);
  if (!in.error && given.files != nullptr) read_files(in, *given.files, recipe);
  if (!in.error && given.prepare != nullptr) read_prepare(in, *given.prepare, recipe);
  if (!in.error && given.public_role != nullptr)
    recipe.public_role = read_text(in, "public", *given.public_role);
  if (!in.error) check_gang(in, given, recipe);
}

}  // namespace

void read_recipe(Reader& in, const yaml::Value& node, Recipe& recipe) {
  recipe = Recipe();
  Given given;
  read_map(in, "the recipe of 'benchmark'", node,
           {{"server", keeper(given.server)},
            {"client", keeper(given.client)},
            {"eval", keeper(given.eval)},
            {"roles", keeper(given.roles)},
            {"files", keeper(given.files)},
            {"prepare", keeper(given.prepare)},
            {"public", keeper(given.public_role)},
            {"script", keeper(given.script)}});
  if (!in.error && given.server != nullptr) read_server(in, *given.server, recipe);
  if (!in.error && given.client != nullptr)
    read_command(in, "client", *given.client, recipe.client,
                 given.roles != nullptr ? &recipe.client_on : nullptr);
  if (!in.error && given.eval != nullptr) read_command(in, "eval", *given.eval, recipe.eval);
  if (!in.error) check_kind(in, node, given);
  if (!in.error && given.script != nullptr) read_script(in, *given.script, recipe);
  if (!in.error && given.roles != nullptr) read_gang(in, given, recipe);
  if (recipe.server.health.path.empty()) recipe.server.health = recipe.server.ready;
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
