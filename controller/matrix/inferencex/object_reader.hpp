// Reads the keys of one mapping of an entry in the order of its schema. Every function fails at the first
// problem with the contract's words: FILE:LINE: Master config entry 'KEY' failed validation: PATH: REASON.
// Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "controller/matrix/inferencex/scalar.hpp"
#include "controller/yaml/document.hpp"
#include "util/error.hpp"

namespace sweep::matrix::inferencex {

/// Where a value is in its entry: "scenarios.fixed-seq-len.0.tp". A path refers to the path above it.
class Path {
 public:
  Path() = default;
  Path(const Path& above, std::string_view name) : above_(&above), name_(name) {}
  Path(const Path& above, std::size_t index) : above_(&above), index_(static_cast<std::int64_t>(index)) {}

  std::string text() const;

 private:
  const Path* above_ = nullptr;
  std::string_view name_;
  std::int64_t index_ = -1;
};

/// Makes the messages of one object, for example of one entry.
struct Subject {
  std::string file;
  std::string head;  // "Master config entry 'k' failed validation:"

  /// Returns the error of a value. If `path` is empty, the problem is the whole object's.
  tl::unexpected<Error> problem(const yaml::Value& at, const Path& path, const std::string& reason) const;
};

class ObjectReader {
 public:
  using Names = std::span<const std::string_view>;

  /// `known` has the keys of the schema; all arguments must outlive the reader.
  ObjectReader(const yaml::Value& value, const Path& path, const Subject& subject, Names known)
      : value_(value), path_(path), subject_(subject), known_(known) {}

  /// Fails if the value is not a mapping. Must be called first.
  Expected<void> check_mapping() const;
  /// Fails if there is a key that is not in the schema; must be called after all known keys have been read.
  Expected<void> check_unknown() const;

  /// Returns the value of a key; nullptr if it is absent.
  const yaml::Value* find(std::string_view name) const { return yaml::find(value_, name); }
  /// Returns the value of a key; nullptr if it is absent or null.
  const yaml::Value* given(std::string_view name) const;
  /// Returns the value of a key; fails if it is absent.
  Expected<const yaml::Value*> required(std::string_view name) const;

  Expected<std::string> text(std::string_view name) const;
  /// Fails if the value is there, not null, and not a text or empty.
  Expected<std::optional<std::string>> optional_text(std::string_view name) const;
  /// Returns the value, one of `choices`; `fallback` if the key is absent.
  Expected<std::string> choice(std::string_view name, Names choices, std::string_view fallback) const;
  Expected<Scalar> integer(std::string_view name) const;
  Expected<std::optional<Scalar>> optional_integer(std::string_view name) const;
  /// Returns an integer above 0 that must be written as one; 1 if the key is absent.
  Expected<Scalar> size(std::string_view name) const;
  Expected<Scalar> boolean(std::string_view name) const;
  Expected<std::optional<Scalar>> optional_boolean(std::string_view name) const;
  /// Returns the items of a list; fails if the key is absent or its value is not a list.
  Expected<std::span<const yaml::ValueRef>> list(std::string_view name) const;

  /// Returns the error of the key's value; of the whole mapping if it has no such key.
  tl::unexpected<Error> problem(std::string_view name, const std::string& reason) const;
  /// Returns the error of the whole mapping.
  tl::unexpected<Error> problem(const std::string& reason) const;

  const yaml::Value& value() const { return value_; }
  const Path& path() const { return path_; }
  const Subject& subject() const { return subject_; }

 private:
  const yaml::Value& value_;
  const Path& path_;
  const Subject& subject_;
  Names known_;
};

/// Returns a value as a message shows it: 4, 'eight', a list, a mapping, null.
std::string shown(const yaml::Value& value);

/// Returns the integer of `value`, or the error of the value at `path`.
Expected<Scalar> integer_at(const yaml::Value& value, const Path& path, const Subject& subject);

}  // namespace sweep::matrix::inferencex
