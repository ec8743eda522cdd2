#include "controller/profile/load_profile.hpp"

#include <filesystem>

#include "controller/profile/container_section.hpp"
#include "controller/profile/reader.hpp"
#include "controller/profile/recipe_reader.hpp"
#include "controller/profile/runner.hpp"
#include "controller/profile/variables.hpp"
#include "controller/yaml/document.hpp"
#include "proto/base/account.hpp"
#include "util/os/files.hpp"
#include "util/text.hpp"

namespace sweep::profile {

namespace {

constexpr std::size_t kMaxProfileBytes = std::size_t{1} << 20;

Table timeout_keys(Profile& p) {
  return {
      {"image", [&](auto& r, auto& k, auto& n) { p.image_timeout = read_duration(r, k, n); }},
      {"server", [&](auto& r, auto& k, auto& n) { p.timeouts.server = read_duration(r, k, n); }},
      {"benchmark", [&](auto& r, auto& k, auto& n) { p.timeouts.benchmark = read_duration(r, k, n); }},
      {"point",
       [&](auto& r, auto& k, auto& n) {
         p.timeouts.point = read_duration(r, k, n), p.point_timeout_declared = p.timeouts.point.count() > 0;
       }},
      {"server-start", [&](auto& r, auto& k, auto& n) { p.timeouts.server_start = read_duration(r, k, n); }},
      {"server-progress",
       [&](auto& r, auto& k, auto& n) { p.timeouts.server_progress = read_duration(r, k, n); }},
      {"server-longest",
       [&](auto& r, auto& k, auto& n) { p.timeouts.server_longest = read_duration(r, k, n); }},
      {"reset", [&](auto& r, auto& k, auto& n) { p.timeouts.reset = read_period(r, k, n); }},
      {"warm-up", [&](auto& r, auto& k, auto& n) { p.timeouts.warm_up = read_duration(r, k, n); }},
      {"kill-grace", [&](auto& r, auto& k, auto& n) { p.kill_grace = read_duration(r, k, n); }},
      {"heartbeat", [&](auto& r, auto& k, auto& n) { p.heartbeat = read_period(r, k, n); }},
      {"agent", [&](auto& r, auto& k, auto& n) { p.agent_timeout = read_period(r, k, n); }},
      {"join", [&](auto& r, auto& k, auto& n) { p.join = read_duration(r, k, n); }},
      {"away", [&](auto& r, auto& k, auto& n) { p.away = read_period(r, k, n); }}};
}

Table retry_keys(Profile& p) {
  return {
      {"infrastructure", [&](auto& r, auto& k, auto& n) { p.retries.infrastructure = read_count(r, k, n); }},
      {"benchmark", [&](auto& r, auto& k, auto& n) { p.retries.benchmark = read_count(r, k, n); }},
      {"invalid", [&](auto& r, auto& k, auto& n) { p.retries.invalid = read_count(r, k, n); }},
      {"node", [&](auto& r, auto& k, auto& n) { p.retries.node = read_count(r, k, n); }}};
}

Table script_keys(Profile& p) {
  return {{"ready", [&](auto& r, auto& k, auto& n) { p.script_ready = read_pattern(r, k, n); }}};
}

Table validity_keys(Profile& p) {
  return {{"ignore", [&](auto& r, auto& k, auto& n) {
             p.doubts_ignored.clear();
             if (!n.is(yaml::Kind::List))
               return r.complain(
                   n, "'" + k + "' must be a list of reasons, such as [node-shared], got " + shown(n));
             for (const auto& item : n.items)
               p.doubts_ignored.push_back(read_word(r, k, *item, {kDoubts.begin(), kDoubts.end()}));
           }}};
}

Table eval_keys(Profile& p) {
  return {{"thresholds", [&](auto& r, auto& k, auto& n) {
             p.eval_thresholds = read_text(r, k, n);
             if (!p.eval_thresholds.empty() && !p.eval_thresholds.starts_with('/'))
               p.eval_thresholds =
                   (std::filesystem::absolute(r.file).parent_path() / p.eval_thresholds).lexically_normal();
           }}};
}

/// Reads a recipe that is written in the profile itself. Its source is the line of the key `benchmark`.
void read_profile_recipe(Reader& in, const yaml::Value& node, Profile& profile) {
  read_recipe(in, node, profile.recipe);
  in.path.pop_back();
  in.note_source("benchmark", node);
  in.path.push_back("benchmark");
}

std::int64_t read_log_limit(Reader& in, const std::string& key, const yaml::Value& node) {
  constexpr std::int64_t kLeast = 1'000'000;
  const std::int64_t bytes = read_bytes(in, key, node);
  if (bytes >= 0 && bytes < kLeast)
    in.complain(node, "'" + key + "' must be at least 1M, got " + shown(node));
  return bytes;
}

Table top_keys(Profile& p) {
  return {
      {"workspace", [&](auto& r, auto& k, auto& n) { p.workspace = read_text(r, k, n); }},
      {"benchmark",
       [&](auto& r, auto& k, auto& n) {
         if (n.is(yaml::Kind::Dict)) return read_profile_recipe(r, n, p);
         p.benchmark = read_text(r, k, n);
         p.recipe = Recipe();
         p.benchmark_folder.clear();  // load_profile() sets it
       }},
      {"script", [&](auto& r, auto&, auto& n) { read_map(r, "'script'", n, script_keys(p)); }},
      {"env", [&](auto& r, auto&, auto& n) { read_env(r, n, p.env); }},
      {"runners", [&](auto& r, auto&, auto& n) { read_runners(r, n, p.runners); }},
      {"packing",
       [&](auto& r, auto& k, auto& n) {
         p.packing =
             read_word(r, k, n, {"node", "gpu"}) == "gpu" ? Profile::Packing::Gpu : Profile::Packing::Node;
       }},
      {"gpus",
       [&](auto& r, auto& k, auto& n) {
         p.ignore_gpus = read_word(r, k, n, {"auto", "ignore"}) == "ignore";
       }},
      {"auth",
       [&](auto& r, auto& k, auto& n) {
         p.auth = read_word(r, k, n, {"munge", "key"}) == "munge" ? Profile::Auth::Munge : Profile::Auth::Key;
       }},
      {"strict", [&](auto& r, auto& k, auto& n) { p.strict = read_flag(r, k, n); }},
      {"validity", [&](auto& r, auto&, auto& n) { read_map(r, "'validity'", n, validity_keys(p)); }},
      {"evals", [&](auto& r, auto&, auto& n) { read_map(r, "'evals'", n, eval_keys(p)); }},
      {"log-limit", [&](auto& r, auto& k, auto& n) { p.log_limit = read_log_limit(r, k, n); }},
      {"artifact-limit", [&](auto& r, auto& k, auto& n) { p.artifact_limit = read_bytes(r, k, n); }},
      {"spool", [&](auto& r, auto& k, auto& n) { p.spool = read_absolute(r, k, n); }},
      {"container", [&](auto& r, auto&, auto& n) { read_container(r, n, p.container); }},
      {"timeouts", [&](auto& r, auto&, auto& n) { read_map(r, "'timeouts'", n, timeout_keys(p)); }},
      {"retries", [&](auto& r, auto&, auto& n) { read_map(r, "'retries'", n, retry_keys(p)); }}};
}

/// Reports a file of another kind that was given as a profile.
void check_kind(Reader& in, const yaml::Value& root) {
  if (!root.is(yaml::Kind::Dict)) return;
  if (yaml::find(root, "server") != nullptr && yaml::find(root, "client") != nullptr)
    return in.complain(root, "this is a recipe, not a profile; name it in a profile: benchmark: " + in.file);
  if (const yaml::Value* labels = yaml::find(root, "labels");
      labels != nullptr && labels->is(yaml::Kind::Dict))
    return in.complain(root,
                       "this is a runner file of InferenceX, not a profile (it has 'labels'); give it with "
                       "--sweep-select='--runner-config " +
                           in.file + "'");
  for (const auto& [name, value] : root.members) {
    for (const char* key : {"search-space", "seq-len-configs", "scenarios"}) {
      if (!value->is(yaml::Kind::Dict) || yaml::find(*value, key) == nullptr) continue;
      return in.complain(*name, "this is a benchmark matrix, not a profile (entry '" +
                                    printable(key_text(*name)) + "' has '" + key +
                                    "'); give it with --sweep-config (sweepctl run FILE)");
    }
  }
}

void check_whole(Reader& in, const yaml::Value& root, const Profile& profile) {
  if (profile.agent_timeout <= profile.heartbeat) {
    in.complain(
        root,
        "timeouts: 'agent' must be longer than 'heartbeat'; otherwise every idle agent is considered lost");
  }
}

}  // namespace

Expected<Profile> parse_profile(const std::string& text, const std::string& name, Profile base) {
  const auto root = yaml::parse_document(text);
  if (!root) return fail(name + ": not YAML: " + root.error().message);
  Reader in{name, {}};
  check_kind(in, **root);
  if (!in.error) read_map(in, "the profile", **root, top_keys(base));
  if (!in.error) check_whole(in, **root, base);
  if (in.error) return tl::unexpected(*in.error);
  for (auto& [key, source] : in.sources)
    base.sources[key] = std::move(source);
  return base;
}

Expected<Profile> load_profile(const std::vector<std::string>& files) {
  Profile profile;
  for (const std::string& file : files) {
    SWEEP_ASSIGN(const auto text, read_file(file, kMaxProfileBytes));
    SWEEP_ASSIGN(profile, parse_profile(text, file, std::move(profile)));
    const auto folder = std::filesystem::absolute(file).parent_path();
    if (profile.benchmark_folder.empty()) profile.benchmark_folder = folder.lexically_normal().string();
    const bool relative = profile.workspace.find_first_of("/{") != 0;
    if (!profile.workspace.empty() && relative) {
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
