// Parses and formats numbers as Python does, because the contract's files must have the same bytes as those
// of the Python tools. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sweep::report {

/// Returns int(text). Surrounding blanks, a sign, leading zeros and single underscores between digits are
/// allowed. Returns std::nullopt if Python would raise an exception or the number does not fit into 64 bits.
std::optional<std::int64_t> python_int(std::string_view text);

/// Returns float(text), with the same syntax plus inf, infinity and nan in any case; std::nullopt if Python
/// would raise an exception.
std::optional<double> python_float(std::string_view text);

/// Returns repr(value): the shortest digits that parse to the same number, always with a point or an
/// exponent: 4.0, 0.1, 1e+16, 1e-05, inf, nan.
std::string python_repr(double value);

/// Returns f"{value:.4f}": 93.8605, inf, nan.
std::string four_decimals(double value);

}  // namespace sweep::report
