// Compares the scores in a result of lm-eval with thresholds. Pure.
#pragma once

#include <string>
#include <vector>

#include "controller/evals/thresholds.hpp"
#include "util/json.hpp"

namespace sweep::evals {

/// What scores are compared with.
struct ScoreRules {
  Thresholds thresholds;
  std::string model_prefix = {};               // empty: unknown
  double fallback = 0.85;                      // the least score of a task that has no threshold
  std::string metric_prefix = "exact_match,";  // only metrics whose name begins so are compared
};

/// One metric of a task, and its threshold.
struct JudgedScore {
  std::string task, metric;
  double value = 0;
  Threshold threshold;
  bool passed = false;  // value >= threshold; false if the value is NaN

  /// Returns "gsm8k exact_match,strict-match = 0.9325 (>= 0.9 from default)", with < if it did not pass.
  std::string text() const;
};

struct JudgedScores {
  std::vector<JudgedScore> scores;    // in the order of the result
  std::vector<std::string> problems;  // one line for each task that could not be compared
};

/// Returns the scores in a result. Standard errors and values that are not numbers are not scores.
JudgedScores judge_scores(const nlohmann::ordered_json& result, const ScoreRules& rules);

}  // namespace sweep::evals
