// proto/base/artifact: names and lists of files from another process.
#include "proto/base/artifact.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sweep {
namespace {

using testing::HasSubstr;

TEST(Artifacts, NamesThatLeadElsewhereAreRefused) {
  for (const char* good : {"server.log", "results/a/b.json", "..x", "a..b/c", ".hidden"})
    EXPECT_EQ(artifact_name_problem(good), "") << good;
  for (const char* bad : {"", "/etc/passwd", "../x", "a/../b", "a/..", "./a", "a/./b", "a//b", "a/", "x\ny"})
    EXPECT_NE(artifact_name_problem(bad), "") << bad;
  EXPECT_NE(artifact_name_problem(std::string_view("a\0b", 3)), "");
  EXPECT_NE(artifact_name_problem("\xff"), "");
  EXPECT_EQ(artifact_name_problem(std::string(240, 'a')), "");
  EXPECT_NE(artifact_name_problem(std::string(241, 'a')), "");
  std::string deep = "a";
  for (int i = 0; i < 15; ++i)
    deep += "/a";
  EXPECT_EQ(artifact_name_problem(deep), "");
  EXPECT_NE(artifact_name_problem(deep + "/a"), "");
}

TEST(Artifacts, ListsThatCannotBeWrittenAreRefused) {
  EXPECT_EQ(artifacts_problem({}), "");
  EXPECT_EQ(artifacts_problem({{"a/b", 1}, {"a/c", 0}, {"d", 2}}), "");
  EXPECT_THAT(artifacts_problem({{"a", 1}, {"a", 1}}), HasSubstr("'a' is listed twice"));
  EXPECT_THAT(artifacts_problem({{"a/b", 1}, {"a", 1}}),
              HasSubstr("'a' is listed as a file and as a folder"));
  EXPECT_THAT(artifacts_problem({{"../a", 1}}), HasSubstr("'../a'"));
  EXPECT_THAT(artifacts_problem({{"a", -1}}), HasSubstr("size"));
  const std::int64_t most = std::numeric_limits<std::int64_t>::max() / 2;
  EXPECT_THAT(artifacts_problem({{"a", most}, {"b", most}}), HasSubstr("size"));
  std::vector<Artifact> many;
  for (std::size_t i = 0; i <= kMostArtifacts; ++i)
    many.push_back({"f" + std::to_string(i), 0});
  EXPECT_THAT(artifacts_problem(many), HasSubstr("more than 1000 files"));
  many.pop_back();
  EXPECT_EQ(artifacts_problem(many), "");
}

TEST(Artifacts, LogsAreTold) {
  EXPECT_TRUE(is_log("results/server.log"));
  EXPECT_FALSE(is_log("server.log.json"));
}

}  // namespace
}  // namespace sweep
