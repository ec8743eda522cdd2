#include "controller/profile/server_reader.hpp"

#include <algorithm>
#include <functional>

#include "util/text.hpp"

namespace sweep::profile {

namespace {

/// Reads {of: CONC, steps: [1, 16]}.
void read_derived(Reader& in, const std::string& name, const yaml::Value& node, ServerSection& section) {
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
  section.derived.push_back(std::move(derived));
}

}  // namespace

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n") == std::string::npos;
}

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

void read_url_check(Reader& in, const std::string& what, const yaml::Value& node, bool of_role,
                    UrlCheck& check) {
  Table keys = {{"url", [&](auto& r, auto& k, auto& n) { check.path = read_path(r, k, n); }}};
  if (of_role) keys["port"] = [&](auto& r, auto& k, auto& n) { check.port = read_text(r, k, n); };
  read_map(in, what, node, keys);
  if (!in.error && check.path.empty()) in.complain(node, what + " must have 'url', a path such as /health");
}

void read_env_item(Reader& in, const yaml::Value& item, ServerSection& section) {
  const bool derived = item.is(yaml::Kind::Dict) && item.members.size() == 1;
  const std::string name = key_text(derived ? *item.members[0].key : item);
  if (!valid_name(name)) in.complain(item, shown(item) + " is not a valid name of an environment variable");
  if (contains(section.env, name)) return;
  if (derived) read_derived(in, name, *item.members[0].value, section);
  section.env.push_back(name);
}

void read_server_env(Reader& in, const SectionName& name, const yaml::Value& node, ServerSection& section) {
  if (!node.is(yaml::Kind::List))
    return in.complain(
        node, name.possessive + " 'env' must be a list of names, such as [MODEL, TP], got " + shown(node));
  for (const auto& item : node.items)
    read_env_item(in, *item, section);
}

void read_server_ready(Reader& in, const SectionName& name, const yaml::Value& node, ServerSection& section) {
  read_map(in, name.possessive + " 'ready'", node,
           {{"url", [&](auto& r, auto& k, auto& n) { section.ready.path = read_path(r, k, n); }},
            {"log", [&](auto& r, auto& k, auto& n) { section.ready_log = read_pattern(r, k, n); }}});
  if (!in.error && section.ready.path.empty() == section.ready_log.empty())
    in.complain(
        node, name.possessive +
                  " 'ready' must have either 'url' (a path that answers 200) or 'log' (a regular expression "
                  "for a line of its output)");
}

}  // namespace sweep::profile
