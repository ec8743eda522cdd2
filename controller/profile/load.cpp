// Reading profile files. One table says which keys there are, and what each takes.
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <filesystem>
#include <functional>
#include <map>

#include "controller/profile/profile.hpp"
#include "proto/base/env_names.hpp"
#include "proto/base/text.hpp"
#include "proto/net/files.hpp"

namespace sweep::profile {

namespace {

constexpr std::size_t kMaxProfileBytes = std::size_t{1} << 20;
constexpr int kMaxRetries = 100;

/// Where we are in which file; everything that can be wrong is said through complain().
struct Reader {
  std::string file;
  std::optional<Error> error;

  void complain(const YAML::Node& at, const std::string& what) {
    if (error) return;
    const int line = at.Mark().line;
    error = Error{file + (line >= 0 ? ":" + std::to_string(line + 1) : "") + ": " + what};
  }
};

std::string shown(const YAML::Node& node) {
  if (node.IsScalar()) return "'" + printable(node.Scalar()) + "'";
  if (node.IsMap()) return "a mapping";
  return node.IsSequence() ? "a list" : "nothing";
}

std::string read_text(Reader& in, const std::string& key, const YAML::Node& node) {
  if (node.IsScalar()) return node.Scalar();
  in.complain(node, "'" + key + "' must be a text, got " + shown(node));
  return {};
}

Millis read_duration(Reader& in, const std::string& key, const YAML::Node& node) {
  const auto value = node.IsScalar() ? parse_duration(node.Scalar()) : std::nullopt;
  if (!value)
    in.complain(node, "'" + key + "' must be a time such as 90s, 60m, 3h or none, got " + shown(node));
  return value.value_or(Millis(0));
}

/// For times that must not be none: without them a dead agent would never be noticed.
Millis read_period(Reader& in, const std::string& key, const YAML::Node& node) {
  const Millis value = read_duration(in, key, node);
  if (!in.error && value.count() <= 0)
    in.complain(node, "'" + key + "' must be more than 0, got " + shown(node));
  return value;
}

int read_count(Reader& in, const std::string& key, const YAML::Node& node) {
  int value = -1;
  if (node.IsScalar()) {
    const std::string& text = node.Scalar();
    const auto [rest, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || rest != text.data() + text.size()) value = -1;
  }
  if (value < 0 || value > kMaxRetries) {
    in.complain(node, "'" + key + "' must be a number from 0 to " + std::to_string(kMaxRetries) + ", got " +
                          shown(node));
  }
  return value;
}

/// One of a few words.
std::string read_word(Reader& in, const std::string& key, const YAML::Node& node,
                      const std::vector<std::string>& words) {
  const std::string text = node.IsScalar() ? node.Scalar() : "";
  for (const std::string& word : words) {
    if (word == text) return word;
  }
  const auto near = nearest(text, words);
  in.complain(node, "'" + key + "' must be " + join(words, " or ") + ", got " + shown(node) +
                        (near ? "; did you mean '" + *near + "'?" : ""));
  return {};
}

using KeyReader = std::function<void(Reader&, const std::string&, const YAML::Node&)>;
using Table = std::map<std::string, KeyReader>;

void read_map(Reader& in, const std::string& what, const YAML::Node& node, const Table& table) {
  if (node.IsNull()) return;
  if (!node.IsMap()) return in.complain(node, what + " must be a mapping, got " + shown(node));
  std::vector<std::string> known;
  for (const auto& [key, reader] : table)
    known.push_back(key);
  for (const auto& entry : node) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    const auto found = table.find(key);
    if (found == table.end()) {
      const auto near = nearest(key, known);
      return in.complain(entry.first,
                         "unknown key '" + printable(key) + "' in " + what + "; " +
                             (near ? "did you mean '" + *near + "'?" : "known are " + join(known, ", ")));
    }
    if (!entry.second.IsNull()) found->second(in, key, entry.second);  // an empty key leaves the default
    if (in.error) return;
  }
}

bool valid_name(const std::string& name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  return name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
         std::string::npos;
}

void set_variable(Profile& profile, const std::string& name, const std::string& value) {
  for (auto& [known, old] : profile.env) {
    if (known == name) {
      old = value;
      return;
    }
  }
  profile.env.emplace_back(name, value);
}

void read_env(Reader& in, const YAML::Node& node, Profile& profile) {
  if (!node.IsMap()) return in.complain(node, "'env' must be a mapping NAME: value, got " + shown(node));
  for (const auto& entry : node) {
    const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (!valid_name(name))
      return in.complain(entry.first, "'" + printable(name) + "' is no name of an environment variable");
    if (name.starts_with(SWEEP_ENV_PREFIX)) {
      return in.complain(entry.first,
                         "'" + name + "': names that begin with " SWEEP_ENV_PREFIX " are slurm-sweep's own");
    }
    const bool empty = entry.second.IsNull();
    set_variable(profile, name, empty ? "" : read_text(in, name, entry.second));
  }
}

void read_container(Reader& in, const YAML::Node& node) {
  const Table table = {{"runtime", [](Reader& r, const std::string& key, const YAML::Node& value) {
                          // Other runtimes would start benchmarks without the container they count on.
                          if (read_text(r, key, value) == "none" || r.error) return;
                          r.complain(value, "container runtime " + shown(value) +
                                                " is not supported by this version; only none is");
                        }}};
  read_map(in, "'container'", node, table);
}

Table timeout_keys(Profile& p) {
  return {{"server", [&](auto& r, auto& k, auto& n) { p.timeouts.server = read_duration(r, k, n); }},
          {"benchmark", [&](auto& r, auto& k, auto& n) { p.timeouts.benchmark = read_duration(r, k, n); }},
          {"point", [&](auto& r, auto& k, auto& n) { p.timeouts.point = read_duration(r, k, n); }},
          {"kill-grace", [&](auto& r, auto& k, auto& n) { p.kill_grace = read_duration(r, k, n); }},
          {"heartbeat", [&](auto& r, auto& k, auto& n) { p.heartbeat = read_period(r, k, n); }},
          {"agent", [&](auto& r, auto& k, auto& n) { p.agent_timeout = read_period(r, k, n); }},
          {"join", [&](auto& r, auto& k, auto& n) { p.join = read_duration(r, k, n); }}};
}

Table retry_keys(Profile& p) {
  return {
      {"infrastructure", [&](auto& r, auto& k, auto& n) { p.retries.infrastructure = read_count(r, k, n); }},
      {"benchmark", [&](auto& r, auto& k, auto& n) { p.retries.benchmark = read_count(r, k, n); }}};
}

Table top_keys(Profile& p) {
  return {{"workspace", [&](auto& r, auto& k, auto& n) { p.workspace = read_text(r, k, n); }},
          {"benchmark",
           [&](auto& r, auto& k, auto& n) {
             p.benchmark = read_text(r, k, n);
             p.benchmark_folder.clear();  // load_profile knows it
           }},
          {"env", [&](auto& r, auto&, auto& n) { read_env(r, n, p); }},
          {"packing",
           [&](auto& r, auto& k, auto& n) {
             p.packing = read_word(r, k, n, {"node", "gpu"}) == "gpu" ? Profile::Packing::Gpu
                                                                      : Profile::Packing::Node;
           }},
          {"gpus",
           [&](auto& r, auto& k, auto& n) {
             p.ignore_gpus = read_word(r, k, n, {"auto", "ignore"}) == "ignore";
           }},
          {"container", [&](auto& r, auto&, auto& n) { read_container(r, n); }},
          {"timeouts", [&](auto& r, auto&, auto& n) { read_map(r, "'timeouts'", n, timeout_keys(p)); }},
          {"retries", [&](auto& r, auto&, auto& n) { read_map(r, "'retries'", n, retry_keys(p)); }}};
}

void check_whole(Reader& in, const YAML::Node& root, const Profile& profile) {
  if (profile.agent_timeout <= profile.heartbeat) {
    in.complain(
        root,
        "timeouts: 'agent' must be longer than 'heartbeat', or every idle agent would be taken for dead");
  }
}

}  // namespace

Expected<Profile> parse_profile(const std::string& text, const std::string& name, Profile base) {
  Reader in{name, {}};
  try {
    const YAML::Node root = YAML::Load(text);
    read_map(in, "the profile", root, top_keys(base));
    if (!in.error) check_whole(in, root, base);
  } catch (const YAML::Exception& problem) {
    const std::string line = problem.mark.line >= 0 ? ":" + std::to_string(problem.mark.line + 1) : "";
    return fail(name + line + ": not YAML: " + problem.msg);
  }
  if (in.error) return tl::unexpected(*in.error);
  return base;
}

Expected<Profile> load_profile(const std::vector<std::string>& files) {
  Profile profile;
  for (const std::string& file : files) {
    const auto text = read_file(file, kMaxProfileBytes);
    if (!text) return tl::unexpected(text.error());
    auto next = parse_profile(*text, file, std::move(profile));
    if (!next) return next;
    profile = std::move(*next);
    const auto folder = std::filesystem::absolute(file).parent_path();
    if (profile.benchmark_folder.empty()) profile.benchmark_folder = folder.lexically_normal().string();
    if (!profile.workspace.empty() && profile.workspace[0] != '/') {
      profile.workspace = (folder / profile.workspace).lexically_normal().string();
    }
  }
  return profile;
}

std::vector<std::string> default_layers(const std::string& home) {
  std::vector<std::string> layers = {"/etc/slurm-sweep/profile.yaml"};
  if (!home.empty()) layers.push_back(home + "/.config/slurm-sweep/profile.yaml");
  std::erase_if(layers, [](const std::string& path) {
    std::error_code code;
    return !std::filesystem::exists(path, code) || code;
  });
  return layers;
}

}  // namespace sweep::profile
