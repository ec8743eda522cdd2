// proto/base/container_spec: the table of its fields.
#include "proto/base/container_spec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <tuple>

namespace sweep {
namespace {

TEST(ContainerSpecTable, HasEveryMemberOnce) {
  // If this does not compile, a member was added: add its row to the table and its name here.
  const ContainerSpec spec;
  const auto& [runtime, image, cache, by_runtime, scratch, workdir, shm_size, mounts, names, options,
               writable, client, agent, prefetch, next, image_ms, retries, room, keep_bytes, keep_ms] = spec;
  static_cast<void>(std::tie(runtime, image, cache, by_runtime, scratch, workdir, shm_size, mounts, names,
                             options, writable, client, agent, prefetch, next, image_ms, retries, room,
                             keep_bytes, keep_ms));
  std::set<std::string> keys, wire_names;
  std::vector<ContainerMember> members;
  for (const ContainerField& field : container_fields()) {
    EXPECT_TRUE(field.key != nullptr || field.name != nullptr);
    if (field.key != nullptr) {
      EXPECT_TRUE(keys.insert(field.key).second) << field.key;
    }
    if (field.name != nullptr) {
      EXPECT_TRUE(wire_names.insert(field.name).second) << field.name;
    }
    EXPECT_EQ(std::count(members.begin(), members.end(), field.member), 0);
    members.push_back(field.member);
  }
  EXPECT_EQ(members.size(), 20u);
}

TEST(ContainerSpecTable, OnlyForResetsTheFieldsThatAHelperDoesNotUse) {
  ContainerSpec spec;
  spec.runtime = "bwrap";
  spec.image = "a/b:1";
  spec.cache = "/c";
  spec.shm_size = "16g";
  spec.retries = 3;
  ContainerSpec stage;
  stage.image = "a/b:1";
  stage.cache = "/c";
  stage.retries = 3;
  EXPECT_EQ(only_for(ContainerUse::Stage, spec), stage);
  ContainerSpec start;
  start.image = "a/b:1";
  start.shm_size = "16g";
  EXPECT_EQ(only_for(ContainerUse::Start, spec), start);
  EXPECT_EQ(only_for(ContainerUse::Step, spec), start);
}

}  // namespace
}  // namespace sweep
