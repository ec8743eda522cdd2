#include "controller/view/scores.hpp"

#include <algorithm>
#include <cstdio>

#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::view {

namespace {

using nlohmann::ordered_json;

struct PointScore {
  std::size_t index;
  const Score* score;
};

/// Returns the scores of all points that are done, those that are too low first.
std::vector<PointScore> all_scores(const core::State& state) {
  std::vector<PointScore> out;
  for (std::size_t i = 0; i < state.points.size(); ++i) {
    if (state.points[i].state != core::PointState::Done) continue;
    for (const core::Attempt& attempt : state.points[i].attempts) {
      for (const Score& score : attempt.account.scores) {
        if (attempt.accepted) out.push_back({i, &score});
      }
    }
  }
  std::stable_sort(out.begin(), out.end(), [](const PointScore& a, const PointScore& b) {
    return a.score->passed < b.score->passed;
  });
  return out;
}

std::string shortest(double value) {
  return ordered_json(value).dump();
}

}  // namespace

ordered_json scores_json(const std::vector<Score>& scores) {
  ordered_json out = ordered_json::array();
  for (const Score& score : scores)
    out.push_back({{"task", score.task},
                   {"metric", score.metric},
                   {"score", score.value},
                   {"threshold", score.threshold},
                   {"threshold_from", score.source},
                   {"passed", score.passed}});
  return out;
}

std::string score_text(const Score& score) {
  char value[64];
  std::snprintf(value, sizeof value, "%.4f", score.value);
  return printable(score.task + " " + score.metric) + " = " + value + " (" + (score.passed ? ">= " : "< ") +
         shortest(score.threshold) + " from " + printable(score.source) + ")";
}

std::string scores_summary(const Plan& plan, const core::State& state) {
  constexpr std::size_t kMostScores = 30;
  const std::vector<PointScore> scores = all_scores(state);
  if (scores.empty()) return {};
  const auto low = static_cast<std::size_t>(
      std::count_if(scores.begin(), scores.end(), [](const PointScore& one) { return !one.score->passed; }));
  std::string out = "evaluations: " + std::to_string(scores.size() - low) + " of " +
                    counted(scores.size(), "score") + (scores.size() - low == 1 ? " reaches" : " reach") +
                    (scores.size() - low == 1 ? " its threshold\n" : " their thresholds\n");
  for (std::size_t i = 0; i < std::min(scores.size(), kMostScores); ++i)
    out += "  " + printable(label(plan.points[scores[i].index])) + ": " + score_text(*scores[i].score) + "\n";
  if (scores.size() > kMostScores)
    out += "  and " + std::to_string(scores.size() - kMostScores) + " more; see manifest.json\n";
  return out;
}

ordered_json scores_summary_json(const Plan& plan, const core::State& state) {
  ordered_json out = ordered_json::array();
  for (const PointScore& one : all_scores(state)) {
    ordered_json entry = {{"point", state.points[one.index].spec.id},
                          {"label", label(plan.points[one.index])}};
    entry.update(scores_json({*one.score})[0]);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace sweep::view
