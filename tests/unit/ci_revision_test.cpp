// controller/ci/revision and process_changelog: in a real git repository.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "controller/ci/process_changelog.hpp"
#include "controller/ci/revision.hpp"
#include "tests/unit/inferencex_samples.hpp"
#include "util/json.hpp"
#include "util/os/process.hpp"
#include "util/os/run_program.hpp"

namespace sweep::ci {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class InRepository : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    if (!git({"init", "-q", "-b", "main", "."})) GTEST_SKIP() << "git is not installed";
  }
  void TearDown() override {
    std::filesystem::current_path(before_);
    InFolder::TearDown();
  }

  bool git(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"git", "-c", "user.name=t", "-c", "user.email=t@example.org"});
    const auto result = run_program(arguments, {.environment = own_environment(), .limit = Millis(30'000)});
    return result && result->ok();
  }
  void commit(const std::string& tag) const {
    EXPECT_TRUE(git({"add", "-A"}) && git({"commit", "-qm", tag}) && git({"tag", tag}));
  }

  // Writes the configurations and a changelog with this text.
  void write_configs(const std::string& nvidia, const std::string& changelog) const {
    for (const char* folder : {"configs", "utils/matrix_logic"})
      std::filesystem::create_directories(path(folder));
    put("configs/amd-master.yaml", "{}\n");
    put("configs/nvidia-master.yaml", nvidia);
    put("configs/runners.yaml", matrix::inferencex::kLabels);
    put("utils/matrix_logic/generate_sweep_configs.py", "#\n");
    put("changes.yaml", changelog);
  }

  static CommandOutput process(std::vector<std::string> more = {}) {
    more.insert(more.begin(),
                {"--base-ref", "base", "--head-ref", "head", "--changelog-file", "changes.yaml"});
    return run_process_changelog(more);
  }

 private:
  std::filesystem::path before_;
};

TEST_F(InRepository, FilesOfARevisionAreReadWhole) {
  const std::string large(200'000, 'x');
  put("large", large);
  commit("base");
  put("large", large + "\nmore\n");
  commit("head");
  EXPECT_EQ(file_at("base", "large").value(), large);
  EXPECT_THAT(paths_at("base", {"large", "none"}).value(), ElementsAre("large"));
  EXPECT_THAT(git_diff("base", "head", "large").value(), HasSubstr("\n+more\n"));
}

TEST_F(InRepository, RevisionThatDoesNotExistIsReported) {
  put("a", "a\n");
  commit("base");
  EXPECT_THAT(git_diff("base", "nope", "a").error().message,
              HasSubstr("cannot find the revision 'nope': git: "));
  EXPECT_THAT(git_diff("--output=x", "base", "a").error().message,
              HasSubstr("'--output=x' is not a revision; give a branch, a tag or a commit"));
}

TEST_F(InRepository, ChangelogBecomesJobs) {
  write_configs(matrix::inferencex::kOneNode, "# changes\n");
  commit("base");
  put("changes.yaml", "# changes\n- { config-keys: [solo], description: [d], pr-link: l }\n");
  commit("head");
  const auto output = process({"--trim"});
  ASSERT_EQ(output.status, 0) << output.err;
  const auto json = nlohmann::ordered_json::parse(output.out);
  EXPECT_EQ(json["single_node"]["1k1k"].size(), 1u) << "trimmed";
  EXPECT_EQ(json["changelog_metadata"]["base_ref"], "base");
  EXPECT_EQ(json["changelog_metadata"]["entries"][0]["append-only"], false);
}

TEST_F(InRepository, OnlyNewPointsOfAnAppendedListBecomeJobs) {
  using matrix::changed;
  const std::string list =
      changed("conc-start: 2, conc-end: 6", "conc-list: [2]", matrix::inferencex::kOneNode);
  write_configs(list, "# changes\n");
  commit("base");
  write_configs(changed("[2]", "[2, 8]", list),
                "# changes\n- { config-keys: [solo], description: [d], pr-link: l, append-only: true }\n");
  commit("head");
  const auto output = process();
  ASSERT_EQ(output.status, 0) << output.err;
  const auto rows = nlohmann::ordered_json::parse(output.out)["single_node"]["1k1k"];
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0]["conc"], 8);
}

TEST_F(InRepository, BaseWithoutAGeneratorIsRefused) {
  put("changes.yaml", "# changes\n");
  commit("base");
  write_configs(matrix::inferencex::kOneNode,
                "# changes\n- { config-keys: [solo], description: [d], pr-link: l, append-only: true }\n");
  commit("head");
  EXPECT_THAT(
      process().err,
      HasSubstr("append-only base revision is missing generation inputs: ['configs/amd-master.yaml', "));
}

TEST_F(InRepository, UsageErrorIsOneLineThatPointsToTheHelp) {
  EXPECT_EQ(
      run_process_changelog({"--base-ref", "a"}).err,
      "sweepctl: process-changelog: the following arguments are required: --head-ref, --changelog-file; see "
      "sweepctl process-changelog --help\n");
}

}  // namespace
}  // namespace sweep::ci
