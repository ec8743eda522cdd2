// The files that one evaluation leaves: meta_env.json and the results of lm-eval. Pure.
//
// Rules: a result is a JSON object with the key lm_eval_version. A set with a list eval_concs in its
// meta_env.json is a batch, evaluated at several concurrencies; its results are named ..._conc16.json or,
// after another try, ..._conc16_2.json. Others have one result. Of several results that stand for the same,
// the newest by modification time counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/json.hpp"

namespace sweep::evals {

/// One result of lm-eval.
struct EvalResult {
  std::string path;
  std::int64_t modified = 0;  // nanoseconds since 1970
  nlohmann::ordered_json json;
};

struct EvalSet {
  std::string directory;
  nlohmann::ordered_json meta;      // of meta_env.json; an empty object if it is not a JSON object
  std::vector<EvalResult> results;  // all that are in the directory, by path
};

/// Returns the concurrency in the name of a batch's result; std::nullopt if there is none.
std::optional<std::int64_t> concurrency_in_name(std::string_view path);

/// Returns true if the set is a batch.
bool is_batch(const EvalSet& set);

/// A result that counts, and the concurrency in its name if the set is a batch.
struct ChosenResult {
  const EvalResult* result;
  std::optional<std::int64_t> conc;
};

struct Choice {
  std::vector<ChosenResult> results;  // of a batch: by concurrency
  std::vector<std::string> notes;     // one line for each result that is left out or missing
};

/// Returns the results of the set that count. Of a batch, these are the completed concurrencies
/// (completed_eval_concs, or eval_concs without that list).
Choice chosen_results(const EvalSet& set);

}  // namespace sweep::evals
