// Finds baselines where DATABASE_URL points: in a JSON file, or through psql in a PostgreSQL database.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controller/compare/comparison.hpp"
#include "util/error.hpp"

namespace sweep::compare {

/// Returns the baseline of each query, in their order. `database_url` is file:PATH (a JSON array of rows, see
/// BaselineRows) or a postgresql:// address, which psql is run for; no message contains the address.
Expected<std::vector<std::optional<Baseline>>> find_baselines(
    const std::string& database_url, std::span<const nlohmann::ordered_json> queries);

}  // namespace sweep::compare
