// Reads YAML 1.1 scalars exactly as PyYAML's SafeLoader does: `010` is 8, `1:30` is 90, `yes` is true, `1e3`
// is text. InferenceMAX's tools read their configuration files with PyYAML, so the same file must give the
// same values here.
//
// Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "util/error.hpp"

namespace sweep::yaml {

/// The Python type that SafeLoader makes of a YAML value.
enum class Kind : std::uint8_t { Null, Bool, Int, Float, Date, DateTime, Bytes, Text, List, Dict };

struct Scalar {
  Kind kind = Kind::Text;
  bool truth = false;        // the value of a Bool
  bool huge = false;         // true for an Int beyond 64 bits; `integer` is then INT64_MAX or -INT64_MAX
  std::int64_t integer = 0;  // the value of an Int
};

/// Returns the value of a plain (unquoted, untagged) scalar. A scalar that matches no other kind is Text.
Scalar read_plain_scalar(std::string_view text);

/// Returns the value of a scalar with an explicit tag (example: "tag:yaml.org,2002:int"). Fails if SafeLoader
/// does not support the tag or if `text` is not valid for it.
Expected<Scalar> read_tagged_scalar(std::string_view tag, std::string_view text);

/// Returns Python's name of the type: "int", "str", "NoneType".
std::string_view python_type(Kind kind);

}  // namespace sweep::yaml
