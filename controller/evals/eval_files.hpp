// Reads the files of evaluations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/evals/eval_set.hpp"
#include "util/error.hpp"

namespace sweep::evals {

struct EvalSets {
  std::vector<EvalSet> sets;  // `root` first, then the others by path
  std::vector<std::string>
      lost;  // one line for each results*.json that cannot be read: its scores are missing
  std::vector<std::string> unreadable;  // one line for each other file or directory that cannot be read
};

/// Reads `root` and those of its direct children that have a meta_env.json.
EvalSets read_eval_sets(const std::string& root);

/// Returns the paths that match a shell pattern, sorted by their bytes.
std::vector<std::string> matching_paths(const std::string& pattern);

/// Reads a JSON file. The message names it.
Expected<nlohmann::ordered_json> read_json_file(const std::string& path);

}  // namespace sweep::evals
