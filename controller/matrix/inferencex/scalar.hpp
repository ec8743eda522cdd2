// A number or truth value of a configuration file together with its spelling. The generator checks a value
// but prints what the file has: `tp: "4"` stays `"4"` in the matrix. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/yaml/document.hpp"

namespace sweep::matrix::inferencex {

/// The largest magnitude of a number in a configuration; see kMaxNumber of the older files.
inline constexpr std::int64_t kMaxMagnitude = 1'000'000'000'000'000;

struct Scalar {
  enum class Spelling : std::uint8_t { Int, Bool, Float, Text };

  std::int64_t number = 0;  // the value; of a truth value 1 or 0
  Spelling spelling = Spelling::Int;
  std::string text;  // what is in quotes, if the spelling is Text

  /// True if Python's == holds for the two values as written: 4, 4.0 and (for 1) true are equal, "4" is not.
  friend bool operator==(const Scalar& a, const Scalar& b) {
    const bool texts = a.spelling == Spelling::Text || b.spelling == Spelling::Text;
    return texts ? a.spelling == b.spelling && a.text == b.text : a.number == b.number;
  }
};

/// Returns an integer that no file has, for example one made by a filter.
Scalar scalar(std::int64_t number);

/// Returns the value of an int field: 4, true, 4.0, "4", " 4 ", "1_0" or "4.0". std::nullopt if it is none.
std::optional<Scalar> read_integer(const yaml::Value& value);
/// Returns the value of an int field that only accepts a real integer.
std::optional<Scalar> read_strict_integer(const yaml::Value& value);
/// Returns the value of a bool field: true, 1, 1.0, "on", "yes", "y", "t", "true", "1" and their opposites.
std::optional<Scalar> read_boolean(const yaml::Value& value);
/// Returns the value of a float field as a finite double; std::nullopt if it is none.
std::optional<double> read_real(const yaml::Value& value);

/// True if a value of this magnitude can be computed with.
bool is_in_range(const Scalar& scalar);

/// Returns the scalar as Python's str() prints it: 4, True, 4.0; of a quoted value its text.
std::string python_str(const Scalar& scalar);
/// True if Python takes the value as written for true: "off" is a text that is not empty, so it is true.
bool python_truth(const Scalar& scalar);

}  // namespace sweep::matrix::inferencex
