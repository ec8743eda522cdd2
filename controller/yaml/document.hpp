// Reads a YAML document into a tree of values as PyYAML's SafeLoader does: YAML 1.1 scalars, anchors, aliases
// and merge keys (<<). If a mapping has a key twice, the last value wins and keeps the position of the first.
//
// libyaml does the parsing; its types do not appear in this header. An alias shares the value of its anchor,
// so a document's aliases do not multiply its memory. A document is rejected if walking its tree, aliases
// included, would visit more than kMaxValues values, or if it is nested more than kMaxDepth levels deep.
//
// Pure: no file is opened here.
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

/// The limit that callers pass when they read a YAML file, in bytes.
inline constexpr std::size_t kMaxFileBytes = 16u << 20;
/// The maximum number of values in one document. An alias counts as many values as its anchor.
inline constexpr std::size_t kMaxValues = 2'000'000;
/// The maximum number of nested lists and mappings.
inline constexpr std::size_t kMaxDepth = 200;

struct Value;
using ValueRef = std::shared_ptr<const Value>;

/// A list that takes the room of one pointer while it is empty, as most lists of a document's values are.
template <class T>
class Items {
 public:
  Items() = default;
  Items(std::vector<T> all)
      : all_(all.empty() ? nullptr : std::make_unique<const std::vector<T>>(std::move(all))) {}

  const T* begin() const { return all_ ? all_->data() : nullptr; }
  const T* end() const { return begin() + size(); }
  std::size_t size() const { return all_ ? all_->size() : 0; }
  bool empty() const { return size() == 0; }
  const T& operator[](std::size_t index) const { return begin()[index]; }
  const T& front() const { return *begin(); }
  const T& back() const { return *(end() - 1); }

 private:
  std::unique_ptr<const std::vector<T>> all_;
};

struct Member {
  ValueRef key, value;
};

struct Value {
  Scalar scalar;             // the kind, and the value of a Bool or Int
  std::string text;          // a scalar's text, without quotes and with escapes resolved
  Items<ValueRef> items;     // the items of a List
  Items<Member> members;     // the members of a Dict in file order; keys are unique
  Items<ValueRef> repeated;  // keys that the Dict itself has again, at their later places
  std::uint32_t size = 1;    // number of values in this tree, including this one; aliases count in full
  std::uint16_t depth = 1;   // levels of nesting, 1 for a scalar
  bool merge_key = false;    // true for an unquoted <<
  int line = 0, column = 0;  // position in the file, from 1

  Kind kind() const { return scalar.kind; }
  bool is(Kind wanted) const { return scalar.kind == wanted; }
};

/// Returns the root of the YAML document in `text`; a Null value if the document is empty. Fails if `text` is
/// not valid YAML or not UTF-8, contains a second document or exceeds a limit above. The message starts with
/// the line and column.
Expected<ValueRef> parse_document(std::string_view text);

/// Returns the value of the text key `key`; nullptr if there is none or `dict` is not a Dict.
const Value* find(const Value& dict, std::string_view key);

/// Returns the scalar as Python's str() prints it: "dsr1", "70", "True", "None". Returns Float, Date,
/// DateTime and Bytes scalars as they are written in the file.
std::string python_str(const Value& value);

}  // namespace sweep::yaml
