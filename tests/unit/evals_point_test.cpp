// controller/evals/point_eval: what the evaluation of one point means for its validity.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/evals/point_eval.hpp"
#include "tests/unit/evals_samples.hpp"

namespace sweep::evals {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

ScoreRules dsr1_rules() {
  ScoreRules out;
  out.thresholds = *Thresholds::parse("default: {gsm8k: 0.90}\nmodels: {dsr1: {gsm8k: 0.95}}\n");
  out.model_prefix = "dsr1";
  return out;
}

EvalFile meta_file() {
  return {"meta_env.json", sample_meta().dump(), 1};
}

std::vector<EvalFile> files_with(double strict, double flexible) {
  return {meta_file(), {"results_2026.json", sample_result(strict, flexible).dump(), 2}};
}

TEST(PointEval, EveryScoreIsJudgedAndThoseBelowTheirThresholdAreDoubts) {
  const PointEval good = judge_point(files_with(0.96, 0.97), dsr1_rules());
  EXPECT_THAT(good.doubts, IsEmpty());
  ASSERT_THAT(good.scores, SizeIs(2));
  EXPECT_TRUE(good.scores[0].passed);
  const PointEval low = judge_point(files_with(0.5, 0.97), dsr1_rules());
  EXPECT_THAT(low.doubts,
              ElementsAre("low-score: gsm8k exact_match,strict-match = 0.5000 (< 0.95 from models.dsr1)"));
  EXPECT_THAT(low.scores, SizeIs(2));
  ScoreRules other = dsr1_rules();
  other.model_prefix = "gptoss";
  EXPECT_THAT(judge_point(files_with(0.91, 0.92), other).doubts, IsEmpty()) << "the default is lower";
}

TEST(PointEval, EvaluationWithoutScoresIsADoubt) {
  EXPECT_THAT(judge_point({}, dsr1_rules()).doubts, ElementsAre("no-score: the eval left no results*.json"));
  EXPECT_THAT(judge_point({meta_file()}, dsr1_rules()).doubts,
              ElementsAre("no-score: the eval left no results*.json"));
  EXPECT_THAT(judge_point({meta_file(), {"results_1.json", "{}", 1}}, dsr1_rules()).doubts,
              ElementsAre("no-score: the eval left no score whose name begins with 'exact_match,'"));
}

TEST(PointEval, ResultThatCannotBeReadIsADoubtBesideGoodScores) {
  auto files = files_with(0.96, 0.97);
  files.push_back({"results_cut.json", "{\"results\": {", 3});
  EXPECT_THAT(judge_point(files, dsr1_rules()).doubts,
              ElementsAre(StartsWith("no-score: 'results_cut.json' cannot be read: ")));
  files.back().bytes = "[]";
  EXPECT_THAT(judge_point(files, dsr1_rules()).doubts,
              ElementsAre("no-score: the file is a list, not an object"));
}

TEST(PointEval, IncompleteBatchIsADoubt) {
  Json meta = sample_meta();
  meta["eval_concs"] = {16, 64};
  meta["completed_eval_concs"] = {16};
  meta["failed_eval_concs"] = {64};
  const std::vector<EvalFile> files = {{"meta_env.json", meta.dump(), 1},
                                       {"results_conc16.json", sample_result(0.96, 0.97).dump(), 1}};
  EXPECT_THAT(judge_point(files, dsr1_rules()).doubts,
              testing::Contains("no-score: batched eval failed for concurrency: 64"));
}

TEST(PointEval, SetHasTheResultsOfLmEvalAndNamesWhatCannotBeRead) {
  std::vector<std::string> problems;
  const EvalSet set = eval_set_of("raw/x",
                                  {meta_file(),
                                   {"results_b.json", sample_result().dump(), 7},
                                   {"results_a.json", sample_result().dump(), 8},
                                   {"results_other.json", "{}", 9},
                                   {"results_cut.json", "{", 9}},
                                  problems);
  EXPECT_EQ(set.meta, sample_meta());
  ASSERT_THAT(set.results, SizeIs(2));
  EXPECT_EQ(set.results[0].path, "raw/x/results_a.json");
  EXPECT_EQ(chosen_results(set).results[0].result->path, "raw/x/results_a.json") << "the newest counts";
  EXPECT_THAT(problems, ElementsAre(HasSubstr("'results_cut.json' cannot be read")));
}

}  // namespace
}  // namespace sweep::evals
