// Durations and sizes as a profile writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/time.hpp"

namespace sweep::profile {

/// Parses "90s", "60m", "3h", "30d", "500ms" or a number of seconds; "none" and "0" are 0. Returns
/// std::nullopt for any other text and for more than a thousand days.
std::optional<Millis> parse_duration(std::string_view text);
/// Returns the duration in the largest unit that divides it: "90s", "60m"; "none" for 0. parse_duration()
/// reads it.
std::string duration_text(Millis time);

/// Parses "40G", "500M", "1T", "8K" or a number of bytes; the units are decimal. Returns std::nullopt for any
/// other text and for more than 2^50 bytes.
std::optional<std::int64_t> parse_size(std::string_view text);
/// Returns the size in the largest unit that divides it: "40G", "1500M", "7". parse_size() reads it.
std::string size_text(std::int64_t bytes);

}  // namespace sweep::profile
