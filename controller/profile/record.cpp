#include "controller/profile/record.hpp"

#include <algorithm>

#include "controller/profile/container_section.hpp"
#include "controller/profile/recipe_record.hpp"
#include "proto/base/account.hpp"
#include "util/fields.hpp"
#include "util/json.hpp"

namespace sweep::profile {

namespace {

constexpr std::int64_t kMaxCount = 1'000'000;

/// Calls visit(name, Millis&) for each of the profile's times. Writing and reading share this list.
template <class P, class Visit>
void each_time(P& profile, Visit visit) {
  visit("server_ms", profile.timeouts.server);
  visit("benchmark_ms", profile.timeouts.benchmark);
  visit("point_ms", profile.timeouts.point);
  visit("server_start_ms", profile.timeouts.server_start);
  visit("server_progress_ms", profile.timeouts.server_progress);
  visit("server_longest_ms", profile.timeouts.server_longest);
  visit("image_ms", profile.image_timeout);
  visit("reset_ms", profile.timeouts.reset);
  visit("warm_up_ms", profile.timeouts.warm_up);
  visit("kill_grace_ms", profile.kill_grace);
  visit("heartbeat_ms", profile.heartbeat);
  visit("agent_ms", profile.agent_timeout);
  visit("join_ms", profile.join);
  visit("away_ms", profile.away);
}

template <class P, class Visit>
void each_count(P& profile, Visit visit) {
  visit("infrastructure_retries", profile.retries.infrastructure);
  visit("benchmark_retries", profile.retries.benchmark);
  visit("invalid_retries", profile.retries.invalid);
  visit("node_failures", profile.retries.node);
}

template <class P, class Visit>
void each_text(P& profile, Visit visit) {
  visit("workspace", profile.workspace);
  visit("benchmark", profile.benchmark);
  visit("benchmark_folder", profile.benchmark_folder);
  visit("spool", profile.spool);
  visit("eval_thresholds", profile.eval_thresholds);
  visit("script_ready", profile.script_ready);
}

std::map<std::string, Recipe> read_recipes(Fields& in) {
  std::map<std::string, Recipe> recipes;
  const nlohmann::json& list = in.child("recipes");
  if (!list.is_object() || list.size() > kMaxItems) {
    in.complain("profile: 'recipes' must be an object");
    return recipes;
  }
  for (const auto& [file, body] : list.items())
    recipes.emplace(file, recipe_from_json(in, body));
  return recipes;
}

nlohmann::json pairs_json(const Variables& variables) {
  nlohmann::json out = nlohmann::json::array();
  for (const auto& [name, value] : variables) {
    out.push_back(name);
    out.push_back(value);
  }
  return out;
}

Variables read_pairs(Fields& in, const char* key) {
  Variables out;
  const auto all = in.texts(key, kMaxItems, kMaxText);
  if (all.size() % 2 != 0)
    in.complain("profile: '" + std::string(key) + "' must be a list of names and values in turn");
  for (std::size_t i = 0; i + 1 < all.size(); i += 2)
    out.emplace_back(all[i], all[i + 1]);
  return out;
}

/// Returns the keys that the section sets.
nlohmann::json container_to_json(const ContainerSection& section) {
  nlohmann::json out = nlohmann::json::object();
  for (const ContainerField& field : container_fields()) {
    if (field.key != nullptr && section.given.contains(field.key))
      out[field.key] = container_value(section.values, field);
  }
  return out;
}

ContainerSection read_container_record(Fields& in, const nlohmann::json& body) {
  Fields from(body, "profile: 'container'");
  ContainerSection section;
  for (const ContainerField& field : container_fields()) {
    if (field.key == nullptr || !from.has(field.key)) continue;
    read_container_value(from, field.key, field, {kMaxItems, kMaxText}, section.values);
    section.given.insert(field.key);
  }
  if (from.error()) in.complain(*from.error());
  return section;
}

nlohmann::json runner_to_json(const Runner& runner) {
  return {{"name", runner.name},           {"features", runner.features},
          {"gpus", runner.gpus},           {"nodes", runner.nodes},
          {"partition", runner.partition}, {"container", container_to_json(runner.container)},
          {"env", pairs_json(runner.env)}};
}

std::vector<Runner> read_runner_records(Fields& in) {
  std::vector<Runner> out;
  const nlohmann::json& list = in.child("runners");
  if (!list.is_array() || list.size() > kMaxItems) in.complain("profile: 'runners' must be a list");
  for (const auto& body : list.is_array() ? list : nlohmann::json::array()) {
    Fields from(body, "profile: 'runners'");
    Runner& runner = out.emplace_back();
    runner.name = from.text("name", kMaxText);
    runner.features = from.texts("features", kMaxItems, kMaxText);
    runner.gpus = from.texts("gpus", kMaxItems, kMaxText);
    runner.nodes = from.texts("nodes", kMaxItems, kMaxText);
    runner.partition = from.text("partition", kMaxText);
    runner.container = read_container_record(from, from.child("container"));
    runner.env = read_pairs(from, "env");
    if (from.error()) in.complain(*from.error());
  }
  return out;
}

}  // namespace

nlohmann::json profile_to_json(const Profile& profile) {
  nlohmann::json out = {{"pack_gpus", profile.packing == Profile::Packing::Gpu},
                        {"ignore_gpus", profile.ignore_gpus},
                        {"strict", profile.strict},
                        {"point_timeout_declared", profile.point_timeout_declared},
                        {"auth", static_cast<int>(profile.auth)}};
  each_time(profile, [&](const char* name, const Millis& value) { out[name] = value.count(); });
  each_count(profile, [&](const char* name, const int& value) { out[name] = value; });
  each_text(profile, [&](const char* name, const std::string& value) { out[name] = value; });
  out["log_limit"] = profile.log_limit;
  out["artifact_limit"] = profile.artifact_limit;
  out["doubts_ignored"] = profile.doubts_ignored;
  out["recipe"] = recipe_to_json(profile.recipe);
  out["recipes"] = nlohmann::json::object();
  for (const auto& [file, recipe] : profile.recipes)
    out["recipes"][file] = recipe_to_json(recipe);
  out["env"] = pairs_json(profile.env);
  out["container"] = container_to_json(profile.container);
  out["runners"] = nlohmann::json::array();
  for (const Runner& runner : profile.runners)
    out["runners"].push_back(runner_to_json(runner));
  return out;
}

Expected<Profile> profile_from_json(const nlohmann::json& body) {
  Fields in(body, "profile");
  Profile profile;
  profile.packing = in.flag("pack_gpus") ? Profile::Packing::Gpu : Profile::Packing::Node;
  profile.ignore_gpus = in.flag("ignore_gpus");
  profile.strict = in.flag("strict");
  profile.point_timeout_declared = in.flag("point_timeout_declared");
  profile.auth = static_cast<Profile::Auth>(in.integer("auth", 0, static_cast<int>(Profile::Auth::Key)));
  each_time(profile, [&](const char* name, Millis& value) { value = Millis(in.integer(name, 0, kMaxInt)); });
  each_count(profile,
             [&](const char* name, int& value) { value = static_cast<int>(in.integer(name, 0, kMaxCount)); });
  each_text(profile, [&](const char* name, std::string& value) { value = in.text(name, kMaxText); });
  profile.log_limit = in.integer("log_limit", 1, kMaxInt);
  profile.artifact_limit = in.integer("artifact_limit", 0, kMaxInt);
  profile.doubts_ignored = in.texts("doubts_ignored", kMaxItems, kMaxText);
  for (const std::string& word : profile.doubts_ignored) {
    if (std::find(kDoubts.begin(), kDoubts.end(), word) == kDoubts.end())
      in.complain("profile: 'doubts_ignored' must be a list of known reasons");
  }
  profile.recipe = recipe_from_json(in, in.child("recipe"));
  profile.recipes = read_recipes(in);
  profile.env = read_pairs(in, "env");
  profile.container = read_container_record(in, in.child("container"));
  profile.runners = read_runner_records(in);
  if (in.error()) return fail(*in.error());
  return profile;
}

}  // namespace sweep::profile
