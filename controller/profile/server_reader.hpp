// Reads what the `server` of a recipe and its `roles` have in common: the variables that a process gets, and how the agent
// finds out whether it is ready and healthy.
#pragma once

#include <string>

#include "controller/profile/reader.hpp"
#include "controller/profile/recipe.hpp"

namespace sweep::profile {

/// How messages name a section: "the recipe's 'server'" and "the server's", or "role decode" and "role decode's".
struct SectionName {
  std::string section, possessive;
};

/// Reads the path of a URL on a server. The agent chooses the port and passes it to the server as PORT.
std::string read_path(Reader& in, const std::string& key, const yaml::Value& node);
/// Reads {url: PATH}, for a role {url: PATH, port: NAME}, into `check`. `what` names the mapping in messages.
void read_url_check(Reader& in, const std::string& what, const yaml::Value& node, bool of_role,
                    UrlCheck& check);

/// Reads an item of `env` that names a variable of the point, or derives one: NAME or {NAME: {of: CONC, steps: [1, 16]}}.
void read_env_item(Reader& in, const yaml::Value& item, ServerSection& section);
/// Reads the `env` of a server: a list of such items.
void read_server_env(Reader& in, const SectionName& name, const yaml::Value& node, ServerSection& section);
/// Reads the `ready` of a server: {url: PATH} or {log: EXPRESSION}.
void read_server_ready(Reader& in, const SectionName& name, const yaml::Value& node, ServerSection& section);

/// Returns true if the text contains only blanks and line breaks.
bool is_blank(const std::string& text);

}  // namespace sweep::profile
