// view/scores: the scores of evaluations in the summary, in records and in the status.
#include "controller/view/scores.hpp"
#include "tests/unit/view_sample.hpp"

namespace sweep::view {
namespace {

class ViewScores : public ViewTest {
 protected:
  /// The point ends with this score.
  void finish_with_score(int index, double value, bool passed) {
    core::AttemptFinished command;
    command.agent = "a";
    command.ref = {id(index), 1};
    command.account.scores = {{"gsm8k", "exact_match,strict-match", value, 0.9, "default", passed}};
    if (!passed) command.invalid = {"low-score: x"};
    handle(command);
  }
};

TEST_F(ViewScores, WithoutScoresNothingIsSaid) {
  EXPECT_EQ(scores_summary(plan, state), "");
  EXPECT_EQ(scores_summary_json(plan, state).dump(), "[]");
}

TEST_F(ViewScores, EachIsShownWithItsThresholdTheLowOnesFirst) {
  arrive("a", "n1", 8, 1);
  finish_with_score(0, 0.9325, true);
  finish_with_score(1, 0.5, false);
  EXPECT_EQ(
      scores_summary(plan, state),
      "evaluations: 1 of 2 scores reaches its threshold\n"
      "  dsr1_1k8k fp4 sglang b200 tp4 conc8: gsm8k exact_match,strict-match = 0.5000 (< 0.9 from default)\n"
      "  dsr1_1k8k fp4 sglang b200 tp8 conc4: gsm8k exact_match,strict-match = 0.9325 (>= 0.9 from default)\n");
  const ordered_json all = totals_json(plan, state, facts)["evals"];
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].dump(), R"({"point":")" + id(1) +
                               R"(","label":"dsr1_1k8k fp4 sglang b200 tp4 conc8","task":"gsm8k",)"
                               R"("metric":"exact_match,strict-match","score":0.5,"threshold":0.9,)"
                               R"("threshold_from":"default","passed":false})");
  EXPECT_THAT(totals_text(plan, state, facts), HasSubstr("evaluations: 1 of 2 scores"));
  const ordered_json document = status();
  for (const ordered_json& point : document["ended"])
    EXPECT_EQ(point["evals"].size(), 1u) << point.dump();
}

TEST_F(ViewScores, LongListIsCut) {
  arrive("a", "n1", 8, 1);
  core::AttemptFinished command;
  command.agent = "a";
  command.ref = {id(0), 1};
  command.account.scores.assign(40, {"t", "exact_match,x", 0.95, 0.9, "default", true});
  handle(command);
  EXPECT_THAT(scores_summary(plan, state), HasSubstr("  and 10 more; see manifest.json\n"));
}

}  // namespace
}  // namespace sweep::view
