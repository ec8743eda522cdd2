// The tables that collect-evals prints. Pure.
#pragma once

#include <span>
#include <string>

#include "util/json.hpp"

namespace sweep::evals {

enum class EvalOrder { ModelPrefix, Hardware };

/// Returns a table of the rows (eval_rows.hpp) on one node and one of those on several nodes, each only if
/// there are such rows, sorted by model prefix (not if ordered by hardware), hardware, framework, precision,
/// speculative decoding, lengths, parallelism and concurrency. Scores are percentages. Without rows:
/// "> No eval results found to summarize."
std::string eval_tables(std::span<const nlohmann::ordered_json> rows, EvalOrder order);

}  // namespace sweep::evals
