// What a YAML scalar means under YAML 1.1, exactly as PyYAML's SafeLoader reads it: `010` is eight, `1:30` is
// ninety, `yes` is true, `1e3` is text. The tools that wrote the existing configuration files read them so.
//
// Pure: text in, value out.
#pragma once

#include <cstdint>
#include <string_view>

#include "util/error.hpp"

namespace sweep::yaml {

/// Python's types, as far as a YAML file can name them.
enum class Kind { Null, Bool, Int, Float, Date, DateTime, Bytes, Text, List, Dict };

struct Scalar {
  Kind kind = Kind::Text;
  bool truth = false;        // Kind::Bool
  std::int64_t integer = 0;  // Kind::Int
  bool huge = false;         // Kind::Int beyond 64 bits; `integer` is then the nearest that fits
};

/// The meaning of a plain (unquoted, untagged) scalar. Whatever is nothing else is text.
Scalar read_plain_scalar(std::string_view text);

/// The meaning of a scalar with an explicit tag ("tag:yaml.org,2002:int"). Fails on a tag that SafeLoader
/// does not know and on text that is not of the tag's kind.
Expected<Scalar> read_tagged_scalar(std::string_view tag, std::string_view text);

/// Python's name of the type: "int", "str", "NoneType".
std::string_view python_type(Kind kind);

}  // namespace sweep::yaml
