// Writes rows as Python's json.dumps does: keys in the contract's order, values as the files have them.
// Contract of 2026, section 4, "Rows". Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/row.hpp"

namespace sweep::matrix::inferencex {

/// Appends the row as one JSON object.
void append_row(std::string& out, const Row& row);

/// Returns the rows as one line of JSON, without a newline.
std::string rows_line(std::span<const Row> rows);

/// Returns the rows as JSON values.
std::vector<nlohmann::ordered_json> row_entries(std::span<const Row> rows);

/// Returns a text that is equal for rows of many nodes that differ only in conc, exp-name and marks of
/// evaluations.
std::string configuration_key(const Row& row);

}  // namespace sweep::matrix::inferencex
