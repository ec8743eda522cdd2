// A matrix as one line of JSON, byte for byte as Python's json.dumps writes it. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace sweep::matrix {

/// `[{"image": "a", "tp": 8}, …]` with `, ` and `: ` between and everything beyond ASCII as \uXXXX, no
/// newline. Entries are flat objects of texts, integers and truth values. Bytes that are not UTF-8 become
/// U+FFFD.
std::string json_line(const std::vector<nlohmann::ordered_json>& entries);

}  // namespace sweep::matrix
