// A YAML file as a tree of values, with PyYAML's meaning: YAML 1.1 scalars, anchors, merges, the last of two
// equal keys at the place of the first. libyaml parses; nothing of it shows here.
//
// Rules: an alias shares its value, so that a file cannot make itself larger than it is. What would be larger
// than kMaxValues all the same (when walked) or nests deeper than kMaxDepth is refused. Pure: text in, tree
// out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/yaml/scalar.hpp"
#include "util/error.hpp"

namespace sweep::yaml {

/// The largest file that is read, in bytes.
inline constexpr std::size_t kMaxFileBytes = 16u << 20;
/// The most values of one file, each alias counted as all that it stands for.
inline constexpr std::size_t kMaxValues = 2'000'000;
inline constexpr std::size_t kMaxDepth = 200;

struct Value;
using ValueRef = std::shared_ptr<const Value>;

struct Member {
  ValueRef key, value;
};

struct Value {
  Scalar scalar;                // kind, and the value of a Bool or Int
  std::string text;             // of a scalar, as written (unquoted)
  std::vector<ValueRef> items;  // of a List
  std::vector<Member> members;  // of a Dict, in order, keys unique
  std::size_t size = 1;         // values in it, itself included, aliases counted in full
  std::size_t depth = 1;
  bool merge_key = false;    // a plain <<
  int line = 0, column = 0;  // from 1

  Kind kind() const { return scalar.kind; }
  bool is(Kind wanted) const { return scalar.kind == wanted; }
};

/// Parses text that holds one YAML document; an empty one is null. Fails, naming line and column, on syntax
/// errors, on a second document, on what is not UTF-8 and on what goes over the limits above.
Expected<ValueRef> parse_document(std::string_view text);

/// The member of a Dict by its key; null when there is none or `dict` is no Dict.
const Value* find(const Value& dict, std::string_view key);

/// The scalar as Python's str() prints it: "dsr1", "70", "True", "None".
std::string python_str(const Value& value);

}  // namespace sweep::yaml
