// profile/record: a profile comes back from its record as it was, and what is no record is refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/profile/record.hpp"
#include "util/json.hpp"

namespace sweep::profile {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// No field has its default, and no two of them are alike: one that took another's place would be seen.
Profile strange_profile() {
  Profile profile;
  profile.workspace = "/scratch/a b";
  profile.benchmark = "{model-prefix} 'quoted' \\ \"x\"";
  profile.benchmark_folder = "/home/u/ü";
  profile.recipe = {"serve $MODEL", "client", {"TP", "MODEL"}, {{"STEP", "CONC", {1, 16}}}, "/health", "up",
                    "/reset",       "/well",  "shard"};
  profile.recipes["/r/a.yaml"] = {"serve other", "client2", {"EP"}, {}, "", "ready", "", "", ""};
  profile.env = {{"B", "2"}, {"A", ""}, {"PATH", "/x:=y"}, {"LINES", "one\ntwo"}};
  profile.packing = Profile::Packing::Gpu;
  profile.timeouts = {Millis(1'001), Millis(1'002), Millis(1'003), Millis(1'011),
                      Millis(1'012), Millis(1'013), Millis(1'014), Millis(1'015)};
  profile.point_timeout_declared = true;
  profile.retries = {11, 12, 14, 13};
  profile.auth = Profile::Auth::Munge;
  profile.spool = "/var/spool/sweep";
  profile.doubts_ignored = {"node-shared"};
  profile.ignore_gpus = true;
  profile.kill_grace = Millis(1'004);
  profile.heartbeat = Millis(1'005);
  profile.agent_timeout = Millis(1'006);
  profile.join = Millis(1'007);
  profile.away = Millis(1'008);
  profile.image_timeout = Millis(1'016);
  profile.container = {"pyxis",        "{image}", "/c",       "/s",  "/w/",     "16g",
                       {{"/a:/b:ro"}}, {{"--o"}}, {{"NAME"}}, false, true,      false,
                       true,           7,         8,          9,     Millis(10)};
  profile.runners = {{"b200*", {"f"}, {"g"}, {"n"}, "p", profile.container, {{"C", "3"}}},
                     {"h200", {}, {}, {}, "", {}, {}}};
  return profile;
}

void expect_same_recipe(const Recipe& is, const Recipe& was) {
  EXPECT_EQ(is.server, was.server);
  EXPECT_EQ(is.client, was.client);
  EXPECT_EQ(is.server_env, was.server_env);
  EXPECT_EQ(is.steps, was.steps);
  EXPECT_EQ(is.ready_url, was.ready_url);
  EXPECT_EQ(is.ready_log, was.ready_log);
  EXPECT_EQ(is.reset_url, was.reset_url);
  EXPECT_EQ(is.health_url, was.health_url);
  EXPECT_EQ(is.progress, was.progress);
}

void expect_same(const Profile& is, const Profile& was) {
  EXPECT_EQ(is.workspace, was.workspace);
  EXPECT_EQ(is.benchmark, was.benchmark);
  EXPECT_EQ(is.benchmark_folder, was.benchmark_folder);
  EXPECT_EQ(is.env, was.env);
  expect_same_recipe(is.recipe, was.recipe);
  ASSERT_EQ(is.recipes.size(), was.recipes.size());
  for (const auto& [file, recipe] : was.recipes)
    expect_same_recipe(is.recipes.at(file), recipe);
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
  EXPECT_EQ(is.doubts_ignored, was.doubts_ignored);
  EXPECT_EQ(is.ignore_gpus, was.ignore_gpus);
  EXPECT_EQ(is.kill_grace, was.kill_grace);
  EXPECT_EQ(is.heartbeat, was.heartbeat);
  EXPECT_EQ(is.agent_timeout, was.agent_timeout);
  EXPECT_EQ(is.join, was.join);
  EXPECT_EQ(is.away, was.away);
  EXPECT_EQ(is.image_timeout, was.image_timeout);
  EXPECT_EQ(is.container, was.container);
  EXPECT_EQ(is.runners, was.runners);
}

/// As it lies in a file.
json written(const Profile& profile) {
  return json::parse(profile_to_json(profile).dump());
}

TEST(ProfileRecord, EveryFieldComesBack) {
  const auto back = profile_from_json(written(strange_profile()));
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, strange_profile());
}

TEST(ProfileRecord, SoDoTheDefaultsAndEveryWayToBeLetIn) {
  for (const auto auth : {Profile::Auth::Auto, Profile::Auth::Munge, Profile::Auth::Key}) {
    Profile profile;
    profile.auth = auth;
    const auto back = profile_from_json(written(profile));
    ASSERT_TRUE(back) << back.error().message;
    expect_same(*back, profile);
  }
}

// A field of the profile that has no place in the record would be lost by a controller that takes over.
TEST(ProfileRecord, HasEveryFieldOfAProfile) {
  // Who makes this number another one adds the field to strange_profile and expect_same.
  EXPECT_EQ(profile_to_json(Profile{}).size(), 32U);
  // `sources` is for people alone, and has none.
  auto& [workspace, benchmark, folder, recipe, recipes, env, container, runners, sources, packing, timeouts,
         image, declared, retries, auth, spool, doubts, ignore_gpus, kill_grace, heartbeat, agent_timeout,
         join, away] = static_cast<const Profile&>(Profile{});
  auto& [server, run, point, start, progress, longest, reset, warm_up] = timeouts;
  auto& [command, client, names, steps, ready_url, ready_log, reset_url, health_url, pattern] = recipe;
  auto& [infrastructure, of_benchmark, invalid, node] = retries;
  auto& [runtime, image_name, cache, scratch, workdir, shm, mounts, options, passed, writable, inside,
         prefetch, agent, tries, room, keep_bytes, keep] = container;
  static_cast<void>(std::tie(runtime, image_name, cache, scratch, workdir, shm, mounts, options, passed,
                             writable, inside, prefetch, agent, tries, room, keep_bytes, keep, runners,
                             sources, image));
  static_cast<void>(std::tie(invalid, doubts, recipes, steps, start, progress, longest, reset, warm_up,
                             command, client, names, ready_url, ready_log, reset_url, health_url, pattern,
                             workspace, benchmark, folder, env, packing, server, run, point, declared,
                             infrastructure, of_benchmark, node, auth, spool, ignore_gpus, kill_grace,
                             heartbeat, agent_timeout, join, away));
}

TEST(ProfileRecord, AMissingOrOddFieldIsNamed) {
  const json whole = written(strange_profile());
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
        continue;  // it may be so
      const auto wrong = profile_from_json(damaged);
      ASSERT_FALSE(wrong) << name << " " << odd;
      EXPECT_THAT(wrong.error().message, HasSubstr("'" + name + "'")) << odd;
    }
  }
}

TEST(ProfileRecord, ValuesBeyondTheirLimitsAreRefused) {
  const auto refused = [](const char* name, const json& value) {
    json damaged = written(strange_profile());
    damaged[name] = value;
    return !profile_from_json(damaged);
  };
  EXPECT_TRUE(refused("auth", 3)) << "a way to be let in that this version does not know";
  EXPECT_TRUE(refused("node_failures", 1'000'001));
  EXPECT_TRUE(refused("away_ms", std::uint64_t{1} << 63U));
  EXPECT_TRUE(refused("spool", std::string((1 << 20) + 1, 'x')));
  EXPECT_FALSE(refused("spool", std::string(1 << 20, 'x')));
}

TEST(ProfileRecord, WhatIsNoObjectIsRefused) {
  for (const json& other : {json(), json(json::value_t::discarded), json::array(), json("x"), json(1)})
    EXPECT_FALSE(profile_from_json(other)) << other;
}

// A newer version may say more.
TEST(ProfileRecord, UnknownFieldsAreLeftAlone) {
  json newer = written(strange_profile());
  newer["colour"] = {{"deep", json::array({1, 2})}};
  const auto back = profile_from_json(newer);
  ASSERT_TRUE(back) << back.error().message;
  expect_same(*back, strange_profile());
}

}  // namespace
}  // namespace sweep::profile
