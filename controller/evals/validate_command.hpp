// sweepctl validate-scores. It reads files; the caller parses the arguments and prints the output.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sweep::evals {

struct ValidateOptions {
  double min_score = 0.85;
  std::optional<std::string> thresholds;  // std::nullopt: kDefaultThresholds if it exists; "": none
  std::string meta_env = "meta_env.json";
  std::string model_prefix = {};  // empty: that of meta_env.json, else of the environment
  std::string metric_prefix = "exact_match,";
  std::string results_glob = "results*.json";
  std::optional<std::string> expected_concs;
  std::string environment_prefix = {};  // MODEL_PREFIX
};

inline constexpr const char* kDefaultThresholds = "utils/evals/thresholds.yaml";

/// Lines for both streams in their common order, because a log of both would be hard to read otherwise.
struct ValidateOutput {
  struct Line {
    bool is_error;
    std::string text;  // without a line feed
  };
  int status = 0;
  std::vector<Line> lines;
};

/// Compares the scores in the results with their thresholds. The status is 0 only if at least one score was
/// found and every one is high enough.
ValidateOutput run_validate_scores(const ValidateOptions& options);

}  // namespace sweep::evals
