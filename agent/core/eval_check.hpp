// Decides whether an evaluation has left its files: results*.json (of lm-eval) and meta_env.json, in the working
// directory of the benchmark or in the attempt's own folder. Contract of August 2026, sections 11 and 13. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/actions.hpp"

namespace sweep::agent {

/// Returns what the evaluation did not leave, as a sentence: "the eval left no results*.json in '/w'"; empty if it left
/// everything. Files of the working directory that are the same in `before` and `after` are of an earlier attempt; those
/// in other folders, links and the like do not count.
std::string missing_eval_files(const std::vector<FoundFile>& before, const std::vector<FoundFile>& after,
                               const std::string& directory);

/// Returns why the evaluation of a recipe failed: "the eval failed: exit status 3, out of memory".
std::string eval_failure(const Outcome& why);

}  // namespace sweep::agent
