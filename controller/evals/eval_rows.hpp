// Makes rows of evaluations' results, as InferenceX's collect_eval_results.py does: one for each task. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "controller/evals/eval_set.hpp"

namespace sweep::evals {

struct EvalRows {
  std::vector<nlohmann::ordered_json> rows;  // keys in the contract's order
  std::vector<std::string> notes;            // one line for each result or task that is not in `rows`
};

/// Returns the rows of the sets, in their order.
EvalRows eval_rows(std::span<const EvalSet> sets);

}  // namespace sweep::evals
