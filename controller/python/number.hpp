// Parses and formats numbers as Python does, because the contract's files must have the same bytes as those
// of the Python tools. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sweep::python {

/// Returns `text` without the blanks around it and the single underscores between digits, which int() and float() skip;
/// std::nullopt if an underscore is elsewhere.
std::optional<std::string> without_blanks_and_underscores(std::string_view text);

/// Returns int(text). Surrounding blanks, a sign, leading zeros and single underscores between digits are
/// allowed. Returns std::nullopt if Python would raise an exception or the number does not fit into 64 bits.
std::optional<std::int64_t> parse_int(std::string_view text);

/// Returns float(text), with the same syntax plus inf, infinity and nan in any case; std::nullopt if Python
/// would raise an exception.
std::optional<double> parse_float(std::string_view text);

/// Returns repr(value): the shortest digits that parse to the same number, always with a point or an
/// exponent: 4.0, 0.1, 1e+16, 1e-05, inf, nan.
std::string repr(double value);

/// Returns f"{value:.4f}": 93.8605, inf, nan.
std::string four_decimals(double value);

}  // namespace sweep::python
