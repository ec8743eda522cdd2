// controller/profile/record: a profile is the same after a round trip through its record, and invalid records
// are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/record.hpp"
#include "util/json.hpp"

namespace sweep::profile {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Returns a section that sets every key. No field has its default, and no two fields have the same value.
ContainerSection unusual_container() {
  ContainerSection section;
  section.values = {.runtime = "pyxis",
                    .image = "{image}",
                    .cache = "/c",
                    .by_runtime = false,
                    .scratch = "/s",
                    .workdir = "/w/",
                    .shm_size = "16g",
                    .mounts = {"/a:/b:ro"},
                    .names = {"NAME"},
                    .options = {"--o"},
                    .writable = false,
                    .client_inside = true,
                    .agent_inside = true,
                    .prefetch = false,
                    .next = {},
                    .image_ms = 0,
                    .retries = 7,
                    .room_bytes = 8,
                    .keep_bytes = 9,
                    .keep_ms = 10};
  for (const ContainerField& field : container_fields()) {
    if (field.key != nullptr) section.given.insert(field.key);
  }
  return section;
}

/// Returns a section of a server of one node, in which every text contains `name`.
ServerSection unusual_server(const std::string& name) {
  ServerSection server;
  server.command = "serve $MODEL " + name;
  server.env = {"TP", "MODEL", name};
  server.derived = {{"STEP_" + name, "CONC", {1, 16}}};
  server.ready.path = "/health_" + name;
  server.ready_log = "up " + name;
  server.reset.path = "/reset_" + name;
  server.health.path = "/well_" + name;
  server.progress = "shard " + name;
  return server;
}

/// Returns a recipe with roles in which no field has its default.
Recipe unusual_gang() {
  Role role;
  role.name = "decode";
  role.server = unusual_server("d");
  role.server.ready.port = "system";
  role.server.ready_tcp = "dist";
  role.server.reset.port = "r";
  role.server.health.port = "h";
  role.texts = {{"ETCD_ENDPOINTS", "http://$ETCD"}};
  role.workers = {2, "DECODE_NUM_WORKERS"};
  role.gpus = {16, "G"};
  role.nodes = {3, "N"};
  role.processes = Role::Processes::Gpu;
  role.mpi = true;
  role.on = "own";
  role.needs = {"etcd"};
  role.ports = {"dist", "system"};
  Role other;
  other.name = "etcd";
  Recipe recipe;
  recipe.client = "client of a gang";
  recipe.roles = {role, other};
  recipe.public_role = "decode";
  recipe.client_on = "decode.0";
  recipe.files = {{"engine.yaml", "decode", "a: 1\n"}};
  recipe.prepare = Prepare{"install", {"IMAGE"}};
  return recipe;
}

/// Returns a profile in which no field has its default and no two fields of one type have the same value, so
/// that two fields that are swapped are noticed.
Profile unusual_profile() {
  Profile profile;
  profile.workspace = "/scratch/a b";
  profile.benchmark = "{model-prefix} 'quoted' \\ \"x\"";
  profile.benchmark_folder = "/home/u/ü";
  profile.recipe.server = unusual_server("r");
  profile.recipe.client = "client";
  profile.recipe.eval = "evaluate";
  profile.recipes["/r/a.yaml"].server.command = "serve other";
  profile.recipes["/r/gang.yaml"] = unusual_gang();
  profile.recipes["/r/nodes.yaml"].script = NodesScript{"bash run.sh", {0, "NODES"}};
  profile.recipes["/r/missing.yaml"] = {};  // a restarted controller still runs the script in its place
  profile.env = {{"B", "2"}, {"A", ""}, {"PATH", "/x:=y"}, {"LINES", "one\ntwo"}};
  profile.packing = Profile::Packing::Gpu;
  profile.timeouts = {Millis(1'001), Millis(1'002), Millis(1'003), Millis(1'011),
                      Millis(1'012), Millis(1'013), Millis(1'014), Millis(1'015)};
  profile.eval_thresholds = "/t/thresholds.yaml";
  profile.point_timeout_declared = true;
  profile.retries = {11, 12, 14, 13};
  profile.auth = Profile::Auth::Munge;
  profile.spool = "/var/spool/sweep";
  profile.log_limit = 1'017;
  profile.artifact_limit = 1'018;
  profile.script_ready = "^up$";
  profile.doubts_ignored = {"node-shared"};
  profile.ignore_gpus = true;
  profile.strict = false;
  profile.kill_grace = Millis(1'004);
  profile.heartbeat = Millis(1'005);
  profile.agent_timeout = Millis(1'006);
  profile.join = Millis(1'007);
  profile.away = Millis(1'008);
  profile.image_timeout = Millis(1'016);
  profile.container = unusual_container();
  profile.runners = {{"b200*", {"f"}, {"g"}, {"n"}, "p", profile.container, {{"C", "3"}}},
                     {"h200", {}, {}, {}, "", {}, {}}};
  return profile;
}

void expect_same(const Profile& is, const Profile& was) {
  EXPECT_EQ(is.workspace, was.workspace);
  EXPECT_EQ(is.benchmark, was.benchmark);
  EXPECT_EQ(is.benchmark_folder, was.benchmark_folder);
  EXPECT_EQ(is.env, was.env);
  EXPECT_TRUE(is.recipe == was.recipe);
  ASSERT_EQ(is.recipes.size(), was.recipes.size());
  for (const auto& [file, recipe] : was.recipes)
    EXPECT_TRUE(is.recipes.at(file) == recipe) << file;
  EXPECT_EQ(is.timeouts.server_start, was.timeouts.server_start);
  EXPECT_EQ(is.timeouts.server_progress, was.timeouts.server_progress);
  EXPECT_EQ(is.timeouts.server_longest, was.timeouts.server_longest);
  EXPECT_EQ(is.timeouts.reset, was.timeouts.reset);
  EXPECT_EQ(is.timeouts.warm_up, was.timeouts.warm_up);
  EXPECT_EQ(is.packing, was.packing);
  EXPECT_EQ(is.timeouts.server, was.timeouts.server);
  EXPECT_EQ(is.timeouts.benchmark, was.timeouts.benchmark);
  EXPECT_EQ(is.timeouts.point, was.timeouts.point);
  EXPECT_EQ(is.point_timeout_declared, was.point_timeout_declared);
  EXPECT_EQ(is.retries.infrastructure, was.retries.infrastructure);
  EXPECT_EQ(is.retries.benchmark, was.retries.benchmark);
  EXPECT_EQ(is.retries.node, was.retries.node);
  EXPECT_EQ(is.auth, was.auth);
  EXPECT_EQ(is.spool, was.spool);
  EXPECT_EQ(is.eval_thresholds, was.eval_thresholds);
  EXPECT_EQ(is.log_limit, was.log_limit);
  EXPECT_EQ(is.artifact_limit, was.artifact_limit);
  EXPECT_EQ(is.script_ready, was.script_ready);
  EXPECT_EQ(is.doubts_ignored, was.doubts_ignored);
  EXPECT_EQ(is.ignore_gpus, was.ignore_gpus);
  EXPECT_EQ(is.strict, was.strict);
  EXPECT_EQ(is.kill_grace, was.kill_grace);
  EXPECT_EQ(is.heartbeat, was.heartbeat);
  EXPECT_EQ(is.agent_timeout, was.agent_timeout);
  EXPECT_EQ(is.join, was.join);
  EXPECT_EQ(is.away, was.away);
  EXPECT_EQ(is.image_timeout, was.image_timeout);
  EXPECT_EQ(is.container, was.container);
  EXPECT_EQ(is.runners, was.runners);
}

/// Returns the record as it is after writing and parsing a file.
json written(const Profile& profile) {
  return json::parse(profile_to_json(profile).dump());
}

TEST(ProfileRecord, EveryFieldComesBack) {
  const auto back = profile_from_json(written(unusual_profile()));
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, unusual_profile());
}

TEST(ProfileRecord, DefaultsAndEveryAuthComeBack) {
  for (const auto auth : {Profile::Auth::Auto, Profile::Auth::Munge, Profile::Auth::Key}) {
    Profile profile;
    profile.auth = auth;
    const auto back = profile_from_json(written(profile));
    ASSERT_TRUE(back) << back.error().message;
    expect_same(*back, profile);
  }
}

// A controller that takes over would lose a field of the profile that is not in the record.
TEST(ProfileRecord, HasEveryFieldOfAProfile) {
  // If you change this number, add the field to unusual_profile() and expect_same().
  EXPECT_EQ(profile_to_json(Profile{}).size(), 37U);
  // `sources` is only for display and not in the record.
  auto& [workspace, benchmark, folder, script_ready, recipe, recipes, env, container, runners, sources,
         packing, timeouts, image, declared, retries, auth, log_limit, artifacts, spool, doubts, thresholds,
         strict, ignore_gpus, kill_grace, heartbeat, agent_timeout, join, away] =
      static_cast<const Profile&>(Profile{});
  auto& [until_ready, run, point, start, progress, longest, of_reset, warm_up] = timeouts;
  auto& [server, client, eval, roles, public_role, client_on, files, prepare, script] = recipe;
  auto& [command, names, derived, ready, ready_log, ready_tcp, reset, health, pattern] = server;
  auto& [infrastructure, of_benchmark, invalid, node] = retries;
  auto& [values, given] = container;
  static_cast<void>(std::tie(values, given, runners, sources, image, script_ready));
  static_cast<void>(std::tie(roles, public_role, client_on, files, prepare, script, ready, ready_tcp, health,
                             of_reset, until_ready));
  static_cast<void>(std::tie(invalid, doubts, recipes, derived, start, progress, longest, reset, warm_up,
                             command, client, names, ready_log, pattern, eval, thresholds, workspace,
                             benchmark, folder, env, packing, server, run, point, declared, infrastructure,
                             of_benchmark, node, auth, log_limit, artifacts, spool, strict, ignore_gpus,
                             kill_grace, heartbeat, agent_timeout, join, away));
}

// sweep.control of an older version must stay readable.
TEST(ProfileRecord, ContainerHasTheKeysOfTheProfile) {
  EXPECT_EQ(written(unusual_profile())["container"], json({{"runtime", "pyxis"},
                                                           {"image", "{image}"},
                                                           {"image-cache", "/c"},
                                                           {"scratch", "/s"},
                                                           {"workdir", "/w/"},
                                                           {"shm-size", "16g"},
                                                           {"mounts", json::array({"/a:/b:ro"})},
                                                           {"env", json::array({"NAME"})},
                                                           {"options", json::array({"--o"})},
                                                           {"writable", false},
                                                           {"client", true},
                                                           {"agent", true},
                                                           {"prefetch", false},
                                                           {"image-retries", 7},
                                                           {"image-room", 8},
                                                           {"cache-size", 9},
                                                           {"cache-age", 10}}));
  EXPECT_EQ(written(Profile{})["container"], json::object());
}

TEST(ProfileRecord, MissingOrInvalidFieldIsNamed) {
  const json whole = written(unusual_profile());
  for (const auto& [name, value] : whole.items()) {
    json damaged = whole;
    damaged.erase(name);
    const auto without = profile_from_json(damaged);
    ASSERT_FALSE(without) << name;
    EXPECT_THAT(without.error().message, HasSubstr("'" + name + "'"));
    for (const json& odd : {json(), json(-1), json(1.5), json::object(), json("x"), json(true), json(1e300),
                            json::array({1}), json::array({"A"})}) {
      damaged[name] = odd;
      if (odd.type() == value.type() && !odd.is_number_integer() && !odd.is_array() && name != "recipe")
        continue;  // a valid value
      const auto wrong = profile_from_json(damaged);
      ASSERT_FALSE(wrong) << name << " " << odd;
      EXPECT_THAT(wrong.error().message, HasSubstr("'" + name + "'")) << odd;
    }
  }
}

TEST(ProfileRecord, ValuesBeyondTheirLimitsAreRefused) {
  const auto refused = [](const char* name, const json& value) {
    json damaged = written(unusual_profile());
    damaged[name] = value;
    return !profile_from_json(damaged);
  };
  EXPECT_TRUE(refused("auth", 3)) << "an auth that this version does not know";
  EXPECT_TRUE(refused("node_failures", 1'000'001));
  EXPECT_TRUE(refused("away_ms", std::uint64_t{1} << 63U));
  EXPECT_TRUE(refused("spool", std::string((1 << 20) + 1, 'x')));
  EXPECT_FALSE(refused("spool", std::string(1 << 20, 'x')));
}

TEST(ProfileRecord, AnythingButAnObjectIsRefused) {
  for (const json& other : {json(), json(json::value_t::discarded), json::array(), json("x"), json(1)})
    EXPECT_FALSE(profile_from_json(other)) << other;
}

// A newer version may add fields.
TEST(ProfileRecord, UnknownFieldsAreIgnored) {
  json newer = written(unusual_profile());
  newer["colour"] = {{"deep", json::array({1, 2})}};
  const auto back = profile_from_json(newer);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, unusual_profile());
}

}  // namespace
}  // namespace sweep::profile
