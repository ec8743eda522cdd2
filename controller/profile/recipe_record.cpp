#include "controller/profile/recipe_record.hpp"

#include "util/json.hpp"

namespace sweep::profile {

namespace {

using nlohmann::json;

/// Calls visit(name, std::string&) for each text of a server's section. Writing and reading share this list.
template <class S, class Visit>
void each_server_text(S& server, Visit visit) {
  visit("server", server.command);
  visit("ready_url", server.ready.path);
  visit("ready_log", server.ready_log);
  visit("reset_url", server.reset.path);
  visit("health_url", server.health.path);
  visit("progress", server.progress);
}

/// Those of a role in addition.
template <class S, class Visit>
void each_port_text(S& server, Visit visit) {
  visit("ready_port", server.ready.port);
  visit("ready_tcp", server.ready_tcp);
  visit("reset_port", server.reset.port);
  visit("health_port", server.health.port);
}

/// Calls visit(name, Count&) for each number of a role.
template <class R, class Visit>
void each_role_number(R& role, Visit visit) {
  visit("workers", role.workers);
  visit("gpus", role.gpus);
  visit("nodes", role.nodes);
}

template <class R, class Visit>
void each_recipe_text(R& recipe, Visit visit) {
  visit("client", recipe.client);
  visit("eval", recipe.eval);
}

void write_server(const ServerSection& server, json& out) {
  each_server_text(server, [&](const char* name, const std::string& value) { out[name] = value; });
  out["server_env"] = server.env;
  out["steps"] = json::array();
  for (const DerivedVariable& derived : server.derived)
    out["steps"].push_back({{"name", derived.name}, {"of", derived.of}, {"steps", derived.steps}});
}

/// Calls read(item) for each item of a list.
template <class Read>
void each_item(Fields& from, const char* key, Read read) {
  const json& list = from.child(key);
  if (!list.is_array() || list.size() > kMaxItems)
    return from.complain("profile: 'recipe': '" + std::string(key) + "' must be a list");
  for (const json& item : list) {
    Fields fields(item, "profile: 'recipe': '" + std::string(key) + "'");
    read(fields);
    if (fields.error()) from.complain(*fields.error());
  }
}

void read_server(Fields& from, ServerSection& server) {
  each_server_text(server, [&](const char* name, std::string& value) { value = from.text(name, kMaxText); });
  server.env = from.texts("server_env", kMaxItems, kMaxText);
  each_item(from, "steps", [&](Fields& of) {
    DerivedVariable& derived = server.derived.emplace_back();
    derived.name = of.text("name", kMaxText);
    derived.of = of.text("of", kMaxText);
    derived.steps = of.integers("steps", kMaxItems, 0, kMaxInt);
  });
}

json count_to_json(const Count& count) {
  return {{"number", count.number}, {"of", count.of}};
}

Count count_from_json(Fields& from, const char* key) {
  Fields of(from.child(key), "profile: 'recipe': '" + std::string(key) + "'");
  Count out;
  out.number = of.integer("number", 0, kMaxInt);
  out.of = of.text("of", kMaxText);
  if (of.error()) from.complain(*of.error());
  return out;
}

json role_to_json(const Role& role) {
  json out = {{"name", role.name},   {"processes", static_cast<int>(role.processes)},
              {"mpi", role.mpi},     {"on", role.on},
              {"needs", role.needs}, {"ports", role.ports}};
  each_role_number(role, [&](const char* name, const Count& value) { out[name] = count_to_json(value); });
  write_server(role.server, out);
  each_port_text(role.server, [&](const char* name, const std::string& value) { out[name] = value; });
  out["texts"] = json::array();
  for (const auto& [name, value] : role.texts)
    out["texts"].push_back({{"name", name}, {"value", value}});
  return out;
}

Role role_from_json(Fields& from) {
  Role role;
  role.name = from.text("name", kMaxText);
  role.processes =
      static_cast<Role::Processes>(from.integer("processes", 0, static_cast<int>(Role::Processes::Worker)));
  role.mpi = from.flag("mpi");
  role.on = from.text("on", kMaxText);
  role.needs = from.texts("needs", kMaxItems, kMaxText);
  role.ports = from.texts("ports", kMaxItems, kMaxText);
  each_role_number(role, [&](const char* name, Count& value) { value = count_from_json(from, name); });
  read_server(from, role.server);
  each_port_text(role.server,
                 [&](const char* name, std::string& value) { value = from.text(name, kMaxText); });
  each_item(from, "texts",
            [&](Fields& of) { role.texts[of.text("name", kMaxText)] = of.text("value", kMaxText); });
  return role;
}

/// Reads what only recipes with roles or a script for several nodes have.
void read_gang(Fields& from, Recipe& recipe) {
  recipe.public_role = from.text("public", kMaxText);
  recipe.client_on = from.text("client_on", kMaxText);
  each_item(from, "roles", [&](Fields& of) { recipe.roles.push_back(role_from_json(of)); });
  each_item(from, "files", [&](Fields& of) {
    recipe.files.push_back({of.text("name", kMaxText), of.text("role", kMaxText), of.text("text", kMaxText)});
  });
  each_item(from, "prepare", [&](Fields& of) {
    recipe.prepare = Prepare{of.text("command", kMaxText), of.texts("key", kMaxItems, kMaxText)};
  });
  each_item(from, "script", [&](Fields& of) {
    recipe.script = NodesScript{of.text("command", kMaxText), count_from_json(of, "nodes")};
  });
}

}  // namespace

json recipe_to_json(const Recipe& recipe) {
  json out;
  each_recipe_text(recipe, [&](const char* name, const std::string& value) { out[name] = value; });
  write_server(recipe.server, out);
  if (!recipe.is_gang()) return out;  // as older versions wrote it
  out["public"] = recipe.public_role;
  out["client_on"] = recipe.client_on;
  for (const char* list : {"roles", "files", "prepare", "script"})
    out[list] = json::array();
  for (const Role& role : recipe.roles)
    out["roles"].push_back(role_to_json(role));
  for (const RoleFile& file : recipe.files)
    out["files"].push_back({{"name", file.name}, {"role", file.role}, {"text", file.text}});
  if (recipe.prepare)
    out["prepare"].push_back({{"command", recipe.prepare->command}, {"key", recipe.prepare->key}});
  if (recipe.script)
    out["script"].push_back(
        {{"command", recipe.script->command}, {"nodes", count_to_json(recipe.script->nodes)}});
  return out;
}

Recipe recipe_from_json(Fields& in, const json& body) {
  Fields from(body, "profile: 'recipe'");
  Recipe recipe;
  each_recipe_text(recipe, [&](const char* name, std::string& value) { value = from.text(name, kMaxText); });
  read_server(from, recipe.server);
  if (from.has("roles")) read_gang(from, recipe);
  if (from.error()) in.complain(*from.error());
  return recipe;
}

}  // namespace sweep::profile
