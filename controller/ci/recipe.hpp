// What identifies the recipe of a row: everything but its concurrency and name. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controller/matrix/inferencex/row.hpp"
#include "util/error.hpp"

namespace sweep::ci {

/// Returns the row as the generator prints it, as compact JSON with sorted keys, without conc and exp-name.
std::string recipe_text(const matrix::inferencex::Row& row);

/// Returns recipe-fingerprint: the SHA-256 of recipe_text in hexadecimal digits.
std::string recipe_fingerprint(const matrix::inferencex::Row& row);

/// Returns the rows of one node with the lowest concurrency of each recipe, and the rows of many nodes with
/// their lowest one.
std::vector<matrix::inferencex::Row> with_lowest_concurrencies(std::vector<matrix::inferencex::Row> rows);

}  // namespace sweep::ci
