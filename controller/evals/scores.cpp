#include "controller/evals/scores.hpp"

#include "controller/python/number.hpp"
#include "controller/python/value.hpp"
#include "util/text.hpp"

namespace sweep::evals {

namespace {

using Json = nlohmann::ordered_json;

bool is_score(const std::string& metric, const Json& value, const ScoreRules& rules) {
  return metric.starts_with(rules.metric_prefix) && metric.find("stderr") == std::string::npos &&
         (value.is_number() || value.is_boolean());
}

void judge_task(const std::string& task, const Json& metrics, const ScoreRules& rules, JudgedScores& out) {
  if (!metrics.is_object()) {
    out.problems.push_back("the results of task '" + printable(task) + "' are " +
                           python::shown_value(metrics) + ", not an object");
    return;
  }
  const auto threshold = rules.thresholds.of(rules.model_prefix, task, rules.fallback);
  bool has_score = false;
  for (const auto& [metric, value] : metrics.items()) {
    if (!is_score(metric, value, rules)) continue;
    has_score = true;
    if (!threshold) continue;
    const double score = python::float_of(value).value_or(0);
    out.scores.push_back({task, metric, score, *threshold, score >= threshold->least});
  }
  if (has_score && !threshold) out.problems.push_back(threshold.error().message);
}

}  // namespace

std::string JudgedScore::text() const {
  return printable(task + " " + metric) + " = " + python::four_decimals(value) + " (" +
         (passed ? ">= " : "< ") + threshold.shown + " from " + printable(threshold.source) + ")";
}

JudgedScores judge_scores(const Json& result, const ScoreRules& rules) {
  JudgedScores out;
  if (!result.is_object()) {
    out.problems.push_back("the file is " + python::shown_value(result) + ", not an object");
    return out;
  }
  const Json* tasks = python::member(result, "results");
  if (tasks == nullptr) return out;
  if (!tasks->is_object()) {
    out.problems.push_back("'results' is " + python::shown_value(*tasks) + ", not an object");
    return out;
  }
  for (const auto& [task, metrics] : tasks->items())
    judge_task(task, metrics, rules, out);
  return out;
}

}  // namespace sweep::evals
