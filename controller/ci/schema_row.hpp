// Writes rows in the order of their schema with all defaults. Contract of 2026, section 5. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/matrix/inferencex/row.hpp"

namespace sweep::ci {

/// Returns the row with real numbers and truth values, without nulls. `fingerprint` "": without
/// recipe-fingerprint.
nlohmann::ordered_json schema_row(const matrix::inferencex::Row& row, const std::string& fingerprint);

}  // namespace sweep::ci
