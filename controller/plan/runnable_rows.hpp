// Tells which rows of a matrix a sweep can run. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "util/error.hpp"

namespace sweep {

/// Fails if the matrix has rows that no sweep can run: agentic-coding, several nodes, pipeline or context
/// parallelism on one node, speculative decoding. The message counts them by reason and names the options
/// that leave them out.
Expected<void> check_runnable_rows(const std::vector<nlohmann::ordered_json>& entries);

}  // namespace sweep
