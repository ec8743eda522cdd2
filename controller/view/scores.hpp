// The scores of evaluations, for people and in records. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/core/state.hpp"
#include "controller/plan/plan.hpp"
#include "proto/base/account.hpp"

namespace sweep::view {

/// Returns a list of objects with the keys task, metric, score, threshold, threshold_from and passed.
nlohmann::ordered_json scores_json(const std::vector<Score>& scores);

/// Returns "gsm8k exact_match,strict-match = 0.9325 (>= 0.9 from default)", with < if the score is too low.
std::string score_text(const Score& score);

/// Returns the number of points with an evaluation that are done, and the scores of each: "" without evaluations, else a
/// line for each score, those that are too low first, after a line that counts them.
std::string scores_summary(const Plan& plan, const core::State& state);

/// Returns the same as a list of objects, with the keys of scores_json() and label and point.
nlohmann::ordered_json scores_summary_json(const Plan& plan, const core::State& state);

}  // namespace sweep::view
