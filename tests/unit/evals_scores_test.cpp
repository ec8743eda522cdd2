// controller/evals/thresholds and scores: which scores are high enough.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "controller/evals/scores.hpp"
#include "tests/unit/evals_samples.hpp"

namespace sweep::evals {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr const char* kFile = "default:\n  gsm8k: 0.90\n  mmlu: 1\nmodels:\n  dsr1: {gsm8k: .95}\n  none:\n";

Thresholds thresholds(const std::string& text) {
  const auto out = Thresholds::parse(text);
  EXPECT_TRUE(out) << out.error().message;
  return out.value_or(Thresholds());
}

std::string of(const Thresholds& all, const std::string& prefix, const std::string& task) {
  const auto found = all.of(prefix, task, 0.85);
  return found ? found->shown + " " + found->source : found.error().message;
}

std::string parse_error(const std::string& text) {
  const auto out = Thresholds::parse(text);
  return out ? "" : out.error().message;
}

TEST(Thresholds, ModelComesBeforeDefaultBeforeFallback) {
  const Thresholds all = thresholds(kFile);
  EXPECT_EQ(of(all, "dsr1", "gsm8k"), "0.95 models.dsr1");
  EXPECT_EQ(of(all, "dsr1", "mmlu"), "1 default");
  EXPECT_EQ(of(all, "other", "gsm8k"), "0.9 default");
  EXPECT_EQ(of(all, "", "gsm8k"), "0.9 default");
  EXPECT_EQ(of(all, "none", "gsm8k"), "0.9 default");
  EXPECT_EQ(of(all, "dsr1", "gpqa"), "0.85 min-score");
  EXPECT_EQ(of(Thresholds(), "dsr1", "gsm8k"), "0.85 min-score");
  EXPECT_TRUE(all.has_model("dsr1"));
  EXPECT_FALSE(all.has_model("other"));
}

TEST(Thresholds, OlderFormIsTheDefault) {
  const Thresholds all = thresholds(R"({"gsm8k": 0.92})");
  EXPECT_EQ(of(all, "dsr1", "gsm8k"), "0.92 default");
  EXPECT_FALSE(all.has_model("gsm8k"));
}

TEST(Thresholds, OtherFilesAreRefused) {
  EXPECT_EQ(parse_error("- 1"), "thresholds config must be a mapping");
  EXPECT_EQ(parse_error(""), "thresholds config must be a mapping");
  EXPECT_THAT(parse_error("a: ["), StartsWith("invalid YAML: line "));
  EXPECT_EQ(parse_error("default: 3"), "line 1: 'default' must be a mapping, but is int");
  EXPECT_EQ(parse_error("models:\n  dsr1: [1]"), "line 2: 'models.dsr1' must be a mapping, but is list");
  EXPECT_EQ(parse_error("default:\nmodels:\n"), "");
}

TEST(Thresholds, KeysWithoutEffectAreNamedWithTheOneThatWasMeant) {
  const auto notes = [](const char* text) { return thresholds(text).unknown_keys(); };
  EXPECT_THAT(notes(kFile), IsEmpty());
  EXPECT_THAT(notes("gsm8k: 0.9\nmmlu: x"), IsEmpty());
  EXPECT_THAT(notes("defaults:\n  gsm8k: 0.9\n"),
              ElementsAre("line 1: 'defaults' has no effect; did you mean 'default'?"));
  EXPECT_THAT(notes("default: {gsm8k: 0.9}\nmodel: {dsr1: {}}\nversion: 2"),
              ElementsAre("line 2: 'model' has no effect; did you mean 'models'?",
                          "line 3: 'version' has no effect; known keys: default, models"));
}

TEST(Thresholds, ValueThatIsNotANumberIsNamedWithItsLine) {
  const Thresholds all = thresholds("default:\n  gsm8k: 9e-1\n  mmlu: [1]\n  gpqa: yes\n");
  EXPECT_EQ(of(all, "", "gsm8k"),
            "line 2: the threshold of task 'gsm8k' must be a number such as 0.9, but is '9e-1' (str)");
  EXPECT_EQ(of(all, "", "mmlu"),
            "line 3: the threshold of task 'mmlu' must be a number such as 0.9, but is list");
  EXPECT_THAT(of(all, "", "gpqa"), HasSubstr("but is 'yes' (bool)"));
}

// ---- scores

ScoreRules rules(const char* prefix = "dsr1") {
  ScoreRules out;
  out.thresholds = thresholds(kFile);
  out.model_prefix = prefix;
  return out;
}

std::vector<std::string> texts(const JudgedScores& judged) {
  std::vector<std::string> out;
  for (const JudgedScore& score : judged.scores)
    out.push_back(score.text());
  return out;
}

TEST(Scores, EachIsComparedWithItsThreshold) {
  EXPECT_THAT(texts(judge_scores(sample_result(0.96, 0.9401), rules())),
              ElementsAre("gsm8k exact_match,strict-match = 0.9600 (>= 0.95 from models.dsr1)",
                          "gsm8k exact_match,flexible-extract = 0.9401 (< 0.95 from models.dsr1)"));
}

TEST(Scores, ScoreEqualToItsThresholdPasses) {
  EXPECT_TRUE(judge_scores(sample_result(0.95, 1), rules()).scores.at(0).passed);
}

TEST(Scores, NotANumberDoesNotPass) {
  const auto judged = judge_scores(sample_result(std::numeric_limits<double>::quiet_NaN(), 1), rules());
  EXPECT_EQ(judged.scores.at(0).text(), "gsm8k exact_match,strict-match = nan (< 0.95 from models.dsr1)");
}

TEST(Scores, OnlyNumbersOfMetricsWithThePrefixAreScores) {
  const Json result = Json::parse(R"({"results": {"mmlu": {"acc": 1, "acc_stderr": 0.1, "accuracy": "0.5",
      "acc_norm": true, "exact_match,x": 0.1}}})");
  ScoreRules all = rules();
  all.metric_prefix = "acc";
  EXPECT_THAT(texts(judge_scores(result, all)), ElementsAre("mmlu acc = 1.0000 (>= 1 from default)",
                                                            "mmlu acc_norm = 1.0000 (>= 1 from default)"));
}

TEST(Scores, TaskThatCannotBeComparedIsNamed) {
  const auto problems = [](const char* text) { return judge_scores(Json::parse(text), rules()).problems; };
  EXPECT_THAT(problems(R"({"results": {"gsm8k": 3}})"),
              ElementsAre("the results of task 'gsm8k' are 3, not an object"));
  EXPECT_THAT(problems(R"({"results": []})"), ElementsAre("'results' is a list, not an object"));
  EXPECT_THAT(problems("[]"), ElementsAre("the file is a list, not an object"));
  EXPECT_THAT(problems("{}"), IsEmpty());
  ScoreRules broken = rules();
  broken.thresholds = thresholds("gsm8k: x");
  EXPECT_THAT(judge_scores(sample_result(), broken).problems,
              ElementsAre(HasSubstr("task 'gsm8k' must be a number")));
}

}  // namespace
}  // namespace sweep::evals
