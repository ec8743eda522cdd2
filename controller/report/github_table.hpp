// Formats a Markdown table with the bytes of Python's tabulate 0.9 in its format "github", as InferenceX's
// tools print it. Pure.
//
// Rules, per column: if every cell is an integer, or the text of one, cells are aligned to the right. If
// every cell is a number or the text of one, and one is not an integer, each is printed as %g of its value,
// so at most six digits are kept, and decimal points are aligned. Otherwise cells are aligned to the left.
// null is an empty cell and fits every column; "" is a text. Control characters are printed as printable()
// does, because a line feed would end the table.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "util/json.hpp"

namespace sweep::report {

using TableCells = std::vector<nlohmann::ordered_json>;

/// Returns the table; every row has as many cells as there are headers. The last line ends in a line feed.
std::string github_table(std::span<const std::string> headers, std::span<const TableCells> rows);

}  // namespace sweep::report
