// The least scores that evaluations must reach: InferenceX's utils/evals/thresholds.yaml. Pure.
//
//   default: {gsm8k: 0.90}            # by task
//   models: {dsr1: {gsm8k: 0.91}}     # by model prefix and task; comes before default
//
// A mapping with neither of the two keys is the older form {gsm8k: 0.90}, the same as `default`.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::evals {

/// The least score of one task.
struct Threshold {
  double least = 0;
  std::string shown;   // the number as Python prints it: 0.9
  std::string source;  // "models.dsr1", "default", or "min-score" if the file does not name the task
};

class Thresholds {
 public:
  /// No thresholds: every task gets the fallback.
  Thresholds() = default;

  /// Reads the text of a thresholds file, YAML or JSON. The message does not name the file.
  static Expected<Thresholds> parse(std::string_view text);

  /// Returns one line for each key of the file that has no effect, with the key that was probably meant.
  std::vector<std::string> unknown_keys() const;

  /// Returns true if the file has thresholds of this model.
  bool has_model(const std::string& prefix) const;

  /// Returns the least score of `task` for the model with this prefix (may be empty). Fails if the file has a
  /// value for the task that is not a number; the message has the line.
  Expected<Threshold> of(const std::string& prefix, const std::string& task, double fallback) const;

 private:
  yaml::ValueRef file_, default_, models_;  // mappings; may be null
};

}  // namespace sweep::evals
