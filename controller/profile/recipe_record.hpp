// A recipe as JSON, for the record of a profile (record.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json_fwd.hpp>

#include "controller/profile/recipe.hpp"
#include "util/fields.hpp"

namespace sweep::profile {

/// Limits of a record: bytes of a text, items of a list, and the largest number.
inline constexpr std::size_t kMaxText = 1 << 20;
inline constexpr std::size_t kMaxItems = 1 << 16;
inline constexpr std::int64_t kMaxInt = std::numeric_limits<std::int64_t>::max() / 2;

nlohmann::json recipe_to_json(const Recipe& recipe);

/// Reads what recipe_to_json() returned. An error is reported to `in`, the fields of the object that contains it.
Recipe recipe_from_json(Fields& in, const nlohmann::json& body);

}  // namespace sweep::profile
