// Writes a matrix as one line of JSON with the same bytes as Python's json.dumps. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sweep::matrix {

/// Appends `text` in quotes. Characters beyond ASCII are written as \uXXXX and bytes that are not UTF-8 as
/// \ufffd.
void append_json_text(std::string& out, const std::string& text);

/// Returns `[{"image": "a", "tp": 8}, …]` without a newline. The separators are `, ` and `: `; characters
/// beyond ASCII are written as \uXXXX and bytes that are not UTF-8 as \ufffd. Entries must be flat objects of
/// texts, integers and bools.
std::string json_line(const std::vector<nlohmann::ordered_json>& entries);

}  // namespace sweep::matrix
