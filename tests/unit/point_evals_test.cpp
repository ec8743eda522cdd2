// controller/io/point_evals: the files of a point's evaluation, and what they mean for the point.
#include "controller/io/point_evals.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/net_folder.hpp"
#include "tests/unit/plan_sample.hpp"

namespace sweep {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

ordered_json evaluated_entry() {
  ordered_json out = sample_entry(8, 32);
  out["model-prefix"] = "dsr1";
  out["run-eval"] = true;
  return out;
}

class PointEvals : public InFolder {
 protected:
  std::vector<std::string> found() const {
    std::vector<std::string> out;
    for (const evals::EvalFile& file : eval_files_of(folder_, "p_n1"))
      out.push_back(file.name + ":" + file.bytes);
    return out;
  }
  Plan plan_with(const std::string& thresholds, const std::string& workspace) const {
    profile::Profile profile;
    profile.eval_thresholds = thresholds;
    profile.workspace = workspace;
    return sample_plan({evaluated_entry()}, profile);
  }
};

TEST_F(PointEvals, FilesAreThoseOfThePointAndLinksAreNotFollowed) {
  EXPECT_THAT(found(), IsEmpty());
  std::filesystem::create_directories(path("raw/p_n1/deeper"));
  put("raw/p_n1/results_1.json", "one");
  put("raw/p_n1/meta_env.json", "two");
  put("raw/p_n1/samples.jsonl", "x");
  put("secret.json", "secret");
  std::filesystem::create_symlink(path("secret.json"), path("raw/p_n1/results_2.json"));
  EXPECT_THAT(found(), ElementsAre("meta_env.json:two", "results_1.json:one"));
  std::filesystem::rename(path("raw/p_n1"), path("elsewhere"));
  std::filesystem::create_directory_symlink(path("elsewhere"), path("raw/p_n1"));
  EXPECT_THAT(found(), IsEmpty());
}

TEST_F(PointEvals, FilesOfAnEarlierAttemptAreNotThoseOfAnAttemptWithoutFiles) {
  std::filesystem::create_directories(path("raw/p_n1"));
  put("raw/p_n1/results_1.json", "one");
  Account account;
  EXPECT_THAT(eval_files_of(folder_, "p_n1", account), IsEmpty());
  set_not_collected(account, "no room");
  EXPECT_THAT(eval_files_of(folder_, "p_n1", account), IsEmpty());
  account.collected = Collected{1, 3, {}};
  EXPECT_THAT(eval_files_of(folder_, "p_n1", account), SizeIs(1));
}

TEST_F(PointEvals, ThresholdsAreThoseOfTheProfileThenOfTheWorkspace) {
  std::filesystem::create_directories(path("w/utils/evals"));
  put("w/utils/evals/thresholds.yaml", "gsm8k: 0.5\n");
  const std::string own = put("own.yaml", "gsm8k: 0.25\n");
  ScoreThresholds thresholds;
  std::string problem;
  const auto least = [&](const Plan& plan) {
    return thresholds.of(plan, plan.points[0], problem).of("dsr1", "gsm8k", 0.85)->least;
  };
  EXPECT_EQ(least(plan_with(own, path("w"))), 0.25);
  EXPECT_EQ(least(plan_with("", path("w"))), 0.5);
  EXPECT_EQ(least(plan_with("", path("none"))), 0.85);
  EXPECT_EQ(problem, "");
  const std::string broken = put("broken.yaml", "- x\n");
  EXPECT_EQ(least(plan_with(broken, "")), 0.85);
  EXPECT_THAT(problem, testing::AllOf(HasSubstr("broken.yaml"), HasSubstr("0.85"), HasSubstr("evals: {")));
  problem.clear();
  EXPECT_EQ(least(plan_with(broken, "")), 0.85);
  EXPECT_EQ(problem, "") << "the reason is returned only once";
}

TEST_F(PointEvals, ThresholdsThatCannotBeReadAreAnErrorOnlyIfTheyAreNeeded) {
  EXPECT_TRUE(check_evals(plan_with("", "")));
  const auto missing = check_evals(plan_with(path("gone.yaml"), ""));
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("gone.yaml"));
  profile::Profile profile;
  profile.eval_thresholds = path("gone.yaml");
  EXPECT_TRUE(check_evals(sample_plan({sample_entry(8, 32)}, profile)));
}

TEST_F(PointEvals, FilesThatAreNotCollectedAreAnErrorOnlyIfTheyAreNeeded) {
  profile::Profile profile;
  profile.artifact_limit = 0;
  EXPECT_TRUE(check_evals(sample_plan({sample_entry(8, 32)}, profile)));
  const auto lost = check_evals(sample_plan({evaluated_entry()}, profile));
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().message, HasSubstr("1 point has one, but the profile's 'artifact-limit' is 0"));
}

TEST_F(PointEvals, FilesThatWereNotCollectedAreTheReasonForNoScore) {
  const Point point = plan_with("", "").points[0];
  Account account;
  account.collected = Collected{1, 10, {"x.log, a/results_1.json: why", "b.json, meta_env.json: too many"}};
  EXPECT_THAT(judge_eval(point, {}, {}, account),
              ElementsAre("no-score: files of the eval are missing: too many"));
  account.collected = Collected{1, 10, {"x.json, results_1.json: " + std::string(core::kSharedDirectory)}};
  EXPECT_THAT(
      judge_eval(point, {}, {}, account),
      ElementsAre(
          "no-score: files of the eval are missing: another attempt ran in the same directory at that "
          "time; give each node a workspace of its own"));
  set_not_collected(account, "no room");
  EXPECT_THAT(judge_eval(point, {}, {}, account),
              ElementsAre("no-score: files of the eval are missing: not collected: no room"));
  account.flaws = {"no-score: the eval failed: exit status 3"};
  EXPECT_THAT(judge_eval(point, {}, {}, account), IsEmpty());
}

TEST_F(PointEvals, ScoresAreKeptAndTheAgentsReasonComesFirst) {
  const Point point = plan_with("", "").points[0];
  const evals::Thresholds none;
  Account account;
  const std::vector<evals::EvalFile> files = {
      {"meta_env.json", "{}", 1},
      {"results_1.json", R"({"results": {"gsm8k": {"exact_match,strict-match": 0.5}}})", 1}};
  EXPECT_THAT(judge_eval(point, none, files, account),
              ElementsAre("low-score: gsm8k exact_match,strict-match = 0.5000 (< 0.85 from min-score)"));
  ASSERT_THAT(account.scores, SizeIs(1));
  EXPECT_EQ(account.scores[0], (Score{"gsm8k", "exact_match,strict-match", 0.5, 0.85, "min-score", false}));
  EXPECT_EQ(sanitized(account), account) << "the journal can keep it";
  Account empty;
  EXPECT_THAT(judge_eval(point, none, {}, empty), ElementsAre("no-score: the eval left no results*.json"));
  empty.flaws = {"no-score: the eval failed: exit status 3"};
  EXPECT_THAT(judge_eval(point, none, {}, empty), IsEmpty()) << "the agent has said why";
}

}  // namespace
}  // namespace sweep
