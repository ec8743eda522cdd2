// Writes JSON without blanks as Python's json.dumps(value, separators=(",", ":")) does. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace sweep::ci {

enum class KeyOrder { AsIs, Sorted };

/// Returns the value with characters beyond ASCII as \uXXXX.
std::string compact_json(const nlohmann::ordered_json& value, KeyOrder order);

}  // namespace sweep::ci
