// Numbers as Python reads and spells them: the contract's files are compared byte for byte with what Python
// tools wrote. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sweep::report {

/// int(text): blanks around, one sign, leading zeros and single underscores between digits are fine. Nothing
/// when Python would refuse, or when the number does not fit 64 bits.
std::optional<std::int64_t> python_int(std::string_view text);

/// float(text): the same liberties, and inf, infinity and nan in any case. Nothing when Python would refuse.
std::optional<double> python_float(std::string_view text);

/// repr(value): the shortest digits that read back as the same number, always with a point or an exponent:
/// 4.0, 0.1, 1e+16, 1e-05, inf, nan.
std::string python_repr(double value);

/// f"{value:.4f}": 93.8605, inf, nan.
std::string four_decimals(double value);

}  // namespace sweep::report
