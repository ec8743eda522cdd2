// Reads the fields of a JSON object from another process.
//
// Only the first error is kept. After it, every function returns an empty value, so that a caller can read
// all fields without checks and test for an error once, at the end:
//
//     Fields in(body, "Hello");
//     hello.node = in.text("node", 256);
//     hello.task = in.integer("task", 0, kMaxTasks);
//     if (in.error()) return fail(*in.error());
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sweep {

class Fields {
 public:
  /// `what` is the object's name in error messages. `object` must outlive this Fields.
  Fields(const nlohmann::json& object, std::string_view what);

  /// Returns true if the field is present and not null.
  bool has(const char* key) const;

  // Each of these requires the field and returns its value. If the field is missing or has another type or
  // size, error() is set and the result is empty, 0 or false.

  /// A string of at most `max_bytes` bytes.
  std::string text(const char* key, std::size_t max_bytes);
  /// An integer in [low, high].
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high);
  /// A finite number.
  double number(const char* key);
  /// true or false.
  bool flag(const char* key);
  /// A list of at most `max_count` strings of at most `max_bytes` bytes each.
  std::vector<std::string> texts(const char* key, std::size_t max_count, std::size_t max_bytes);
  /// A list of at most `max_count` integers in [low, high].
  std::vector<std::int64_t> integers(const char* key, std::size_t max_count, std::int64_t low,
                                     std::int64_t high);
  /// Any value, which the caller reads further; null if it is missing. Valid as long as `object`.
  const nlohmann::json& child(const char* key);

  /// A string or integer like above; std::nullopt if the field is missing or null, which is not an error.
  std::optional<std::string> maybe_text(const char* key, std::size_t max_bytes);
  std::optional<std::int64_t> maybe_integer(const char* key, std::int64_t low, std::int64_t high);

  /// Returns the first error; std::nullopt if there was none.
  const std::optional<std::string>& error() const { return error_; }
  /// Sets the error, unless there is one already: for checks of the caller.
  void complain(std::string message);

 private:
  const nlohmann::json* find(const char* key);
  void complain_about(const char* key, std::string_view wanted);

  const nlohmann::json& object_;
  std::string what_;
  std::optional<std::string> error_;
};

}  // namespace sweep
