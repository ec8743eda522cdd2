#include "controller/profile/container.hpp"

#include <algorithm>

#include "container/core/image.hpp"
#include "container/core/runtime.hpp"
#include "proto/base/env_names.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

bool has_placeholder(const std::string& text) {
  return text.find('{') != std::string::npos;
}

/// Absolute, as far as can be seen before placeholders are filled.
std::string read_folder(Reader& in, const std::string& key, const yaml::Value& node) {
  std::string path = read_text(in, key, node);
  if (!in.error && !path.empty() && path.find_first_of("/{") != 0)
    in.complain(node, "'" + key + "' must be an absolute path, got " + shown(node));
  return path;
}

std::vector<std::string> read_mounts(Reader& in, const std::string& key, const yaml::Value& node) {
  auto mounts = read_texts(in, key, node);
  for (const std::string& mount : mounts) {
    if (in.error || has_placeholder(mount)) continue;
    if (const auto good = container::parse_mount(mount); !good) in.complain(node, good.error().message);
  }
  return mounts;
}

std::vector<std::string> read_names(Reader& in, const std::string& key, const yaml::Value& node) {
  auto names = read_texts(in, key, node);
  for (const std::string& name : names) {
    if (!valid_name(name))
      in.complain(node,
                  "'" + key + "' must be names of environment variables, and has '" + printable(name) + "'");
  }
  return names;
}

std::string read_size(Reader& in, const std::string& key, const yaml::Value& node) {
  const std::string text = read_text(in, key, node);
  const auto digits = text.find_first_not_of("0123456789");
  const std::string unit = digits == std::string::npos ? "" : ascii_lower(text.substr(digits));
  const bool good =
      (digits != 0 || text.empty()) && (unit.empty() || unit == "m" || unit == "g" || unit == "k");
  if (!in.error && !good) in.complain(node, "'" + key + "' must be a size such as 16g, got " + shown(node));
  return text;
}

std::string read_runtime(Reader& in, const std::string& key, const yaml::Value& node) {
  return read_word(in, key, node, {container::kRuntimeWords.begin(), container::kRuntimeWords.end()});
}

/// Whether something runs in the image: node or image.
bool read_is_inside(Reader& in, const std::string& key, const yaml::Value& node) {
  return read_word(in, key, node, {"node", "image"}) == "image";
}

Table container_keys(Container& c) {
  return {{"runtime", [&](auto& r, auto& k, auto& n) { c.runtime = read_runtime(r, k, n); }},
          {"image", [&](auto& r, auto& k, auto& n) { c.image = read_text(r, k, n); }},
          {"image-cache",
           [&](auto& r, auto& k, auto& n) {
             c.cache = is_text(n) && n.text == "none" ? n.text : read_folder(r, k, n);
           }},
          {"scratch", [&](auto& r, auto& k, auto& n) { c.scratch = read_folder(r, k, n); }},
          {"workdir", [&](auto& r, auto& k, auto& n) { c.workdir = read_folder(r, k, n); }},
          {"shm-size", [&](auto& r, auto& k, auto& n) { c.shm_size = read_size(r, k, n); }},
          {"mounts", [&](auto& r, auto& k, auto& n) { c.mounts = read_mounts(r, k, n); }},
          {"env", [&](auto& r, auto& k, auto& n) { c.names = read_names(r, k, n); }},
          {"options", [&](auto& r, auto& k, auto& n) { c.options = read_texts(r, k, n); }},
          {"writable", [&](auto& r, auto& k, auto& n) { c.writable = read_flag(r, k, n); }},
          {"client", [&](auto& r, auto& k, auto& n) { c.client = read_is_inside(r, k, n); }},
          {"agent", [&](auto& r, auto& k, auto& n) { c.agent = read_is_inside(r, k, n); }},
          {"prefetch", [&](auto& r, auto& k, auto& n) { c.prefetch = read_flag(r, k, n); }},
          {"image-retries", [&](auto& r, auto& k, auto& n) { c.retries = read_count(r, k, n); }},
          {"image-room", [&](auto& r, auto& k, auto& n) { c.room_bytes = read_bytes(r, k, n); }},
          {"cache-size", [&](auto& r, auto& k, auto& n) { c.keep_bytes = read_bytes(r, k, n); }},
          {"cache-age", [&](auto& r, auto& k, auto& n) { c.keep = read_duration(r, k, n); }}};
}

Table runner_keys(Runner& runner) {
  return {{"features", [&](auto& r, auto& k, auto& n) { runner.features = read_texts(r, k, n); }},
          {"gpus", [&](auto& r, auto& k, auto& n) { runner.gpus = read_texts(r, k, n); }},
          {"nodes", [&](auto& r, auto& k, auto& n) { runner.nodes = read_texts(r, k, n); }},
          {"partition", [&](auto& r, auto& k, auto& n) { runner.partition = read_text(r, k, n); }},
          {"container", [&](auto& r, auto&, auto& n) { read_container(r, n, runner.container); }},
          {"env", [&](auto& r, auto&, auto& n) { read_env(r, n, runner.env); }}};
}

void set_variable(Variables& variables, const std::string& name, const std::string& value) {
  for (auto& [known, old] : variables) {
    if (known == name) {
      old = value;
      return;
    }
  }
  variables.emplace_back(name, value);
}

/// Whether `text` is what `pattern` stands for: * is any text.
bool matches(std::string_view pattern, std::string_view text) {
  const auto star = pattern.find('*');
  if (star == std::string_view::npos) return pattern == text;
  if (text.substr(0, star) != pattern.substr(0, star)) return false;
  const std::string_view rest = pattern.substr(star + 1);
  for (std::size_t at = star; at <= text.size(); ++at) {
    if (matches(rest, text.substr(at))) return true;
  }
  return false;
}

bool alike(const std::string& a, const std::string& b) {
  const std::string x = ascii_lower(a), y = ascii_lower(b);
  return !x.empty() && !y.empty() && (x.find(y) != std::string::npos || y.find(x) != std::string::npos);
}

template <class Like>
bool one_of(const std::vector<std::string>& wanted, const std::vector<std::string>& has, Like like) {
  return std::any_of(wanted.begin(), wanted.end(), [&](const std::string& want) {
    return std::any_of(has.begin(), has.end(), [&](const std::string& one) { return like(want, one); });
  });
}

}  // namespace

void read_container(Reader& in, const yaml::Value& node, Container& container) {
  read_map(in, "'container'", node, container_keys(container));
}

void read_runners(Reader& in, const yaml::Value& node, std::vector<Runner>& runners) {
  if (!node.is(yaml::Kind::Dict))
    return in.complain(
        node,
        "'runners' must be a mapping of runner types, such as b200: { gpus: [b200] }, got " + shown(node));
  for (const auto& [name_node, value] : node.members) {
    const std::string name = key_text(*name_node);
    if (name.empty()) return in.complain(*name_node, shown(*name_node) + " is no runner type");
    const auto found =
        std::find_if(runners.begin(), runners.end(), [&](const Runner& r) { return r.name == name; });
    Runner& runner = found != runners.end() ? *found : runners.emplace_back();
    runner.name = name;
    in.path.push_back(name);
    read_map(in, "runner '" + printable(name) + "'", *value, runner_keys(runner));
    in.path.pop_back();
    if (in.error) return;
  }
}

void read_env(Reader& in, const yaml::Value& node, Variables& variables) {
  if (!node.is(yaml::Kind::Dict))
    return in.complain(node, "'env' must be a mapping NAME: value, got " + shown(node));
  for (const auto& [name_node, value] : node.members) {
    const std::string name = key_text(*name_node);
    if (!valid_name(name))
      return in.complain(*name_node, "'" + printable(name) + "' is no name of an environment variable");
    if (name.starts_with(SWEEP_ENV_PREFIX)) {
      return in.complain(*name_node,
                         "'" + name + "': names that begin with " SWEEP_ENV_PREFIX " are slurm-sweep's own");
    }
    const bool empty = value->is(yaml::Kind::Null);
    set_variable(variables, name, empty ? "" : read_text(in, name, *value));
    in.note_source(name, *name_node);
  }
}

const Container& default_container() {
  static const Container kDefaults = [] {
    Container c;
    c.runtime = "none";
    c.image = "{image}";
    c.cache = c.scratch = c.shm_size = "";
    c.workdir = "/workspace/";
    c.mounts = c.options = c.names = std::vector<std::string>();
    c.writable = c.prefetch = true;
    c.client = c.agent = false;
    c.retries = 2;
    c.room_bytes = 1'000'000'000;
    c.keep_bytes = 0;
    c.keep = Millis(0);
    return c;
  }();
  return kDefaults;
}

Container merged(Container base, const Container& over) {
  each_field(
      [](const char*, auto& to, const auto& from) {
        if (from) to = from;
      },
      base, over);
  return base;
}

const Runner* runner_of(const Profile& profile, const std::string& runner) {
  const auto& all = profile.runners;
  auto found = std::find_if(all.begin(), all.end(), [&](const Runner& one) { return one.name == runner; });
  if (found == all.end())
    found =
        std::find_if(all.begin(), all.end(), [&](const Runner& one) { return matches(one.name, runner); });
  return found == all.end() ? nullptr : &*found;
}

bool serves(const Runner& runner, const NodeTraits& node) {
  const auto has_feature = [&](const std::string& feature) {
    return std::find(node.features.begin(), node.features.end(), feature) != node.features.end();
  };
  if (!std::all_of(runner.features.begin(), runner.features.end(), has_feature)) return false;
  if (!runner.gpus.empty() && !one_of(runner.gpus, node.gpu_types, alike)) return false;
  const std::vector<std::string> name{node.node};
  if (!runner.nodes.empty() && !one_of(runner.nodes, name, matches)) return false;
  return runner.partition.empty() || runner.partition == node.partition;
}

bool wants_agents_inside(const Profile& profile) {
  return profile.container.agent.value_or(false) ||
         std::any_of(profile.runners.begin(), profile.runners.end(),
                     [](const Runner& runner) { return runner.container.agent.value_or(false); });
}

bool has_container(const Container& container) {
  return container.runtime && *container.runtime != "none";
}

Expected<Container> container_of(const Profile& profile, const Point& point) {
  Container out = merged(default_container(), profile.container);
  if (const Runner* runner = runner_of(profile, point.runner))
    out = merged(std::move(out), runner->container);
  if (!has_container(out)) return out;
  std::optional<Error> problem;
  const auto fill = [&](const std::string& key, std::string& text) {
    auto filled = filled_text(text, point, "container." + key);
    if (filled) {
      text = std::move(*filled);
    } else if (!problem) {
      problem = filled.error();
    }
  };
  fill("image", *out.image);
  fill("image-cache", *out.cache);
  fill("scratch", *out.scratch);
  fill("workdir", *out.workdir);
  for (std::string& mount : *out.mounts) {
    fill("mounts", mount);
    if (const auto good = container::parse_mount(mount); !good && !problem) problem = good.error();
  }
  if (const auto image = container::parse_image(*out.image); !image && !problem)
    problem = Error{image.error().message + " (of " + label(point) + ")"};
  if (problem) return tl::unexpected(*problem);
  return out;
}

}  // namespace sweep::profile
