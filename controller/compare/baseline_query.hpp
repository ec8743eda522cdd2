// The SQL that finds the baselines of many records in InferenceX's PostgreSQL database, for psql. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "controller/compare/comparison.hpp"
#include "util/error.hpp"

namespace sweep::compare {

/// Returns a script of one read-only query. Its result has one line for each query that has a baseline: a
/// JSON object with the number of the query (from 0), the model and the metrics. The values of the queries
/// are in the script as one quoted JSON text, so nothing in a record can be taken for SQL.
std::string baseline_sql(std::span<const nlohmann::ordered_json> queries);

/// Returns the baselines in such a result, by number of the query.
Expected<std::map<std::size_t, Baseline>> parse_baselines(std::string_view lines);

/// Returns `url` without the password, and the password with its %XX escapes resolved, so that the password
/// is not visible in the arguments of a process. Fails if it is not a postgresql:// or postgres:// address.
Expected<std::pair<std::string, std::optional<std::string>>> split_password(const std::string& url);

}  // namespace sweep::compare
