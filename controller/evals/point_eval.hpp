// Judges what the evaluation of one point left. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/evals/eval_set.hpp"
#include "controller/evals/scores.hpp"

namespace sweep::evals {

/// A file that an evaluation left.
struct EvalFile {
  std::string name;  // without folders
  std::string bytes;
  std::int64_t modified = 0;  // nanoseconds since 1970
};

/// Returns the set of these files. `directory`: where they are, for messages. Adds a line to `problems` for each result
/// of lm-eval, and for a meta_env.json, that cannot be read.
EvalSet eval_set_of(const std::string& directory, const std::vector<EvalFile>& files,
                    std::vector<std::string>& problems);

struct PointEval {
  std::vector<JudgedScore> scores;
  std::vector<std::string>
      doubts;  // why the point is not valid; each begins with low-score or no-score and a colon
};

/// Compares all scores of a point's evaluation with their thresholds, as validate-scores does: those of every
/// results*.json. Doubts a point without any score, with a result that cannot be read, or with a batch of concurrencies
/// that is not complete.
PointEval judge_point(const std::vector<EvalFile>& files, const ScoreRules& rules);

}  // namespace sweep::evals
