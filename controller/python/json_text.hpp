// Writes JSON with the same bytes as Python's json module. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sweep::python {

/// Returns json.dumps(value, indent=indent) without a newline at the end: characters beyond ASCII as \uXXXX,
/// floats with their shortest digits. A negative indent (Python's None) gives one line with ", " and ": ".
/// Bytes that are not UTF-8 become U+FFFD.
std::string json_text(const nlohmann::ordered_json& value, int indent);

/// Appends the same to `out`, indented as a value inside `level` containers.
void append_json_text(std::string& out, const nlohmann::ordered_json& value, int indent, int level);

}  // namespace sweep::python
