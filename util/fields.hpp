// Reading a JSON object that somebody else wrote.
//
// A Fields is asked for one field after another; the first thing that is wrong is remembered and everything
// after it yields empty values, so that a message is read in straight lines and checked once at the end:
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
  /// `what` names the object in error messages. `object` must outlive this.
  Fields(const nlohmann::json& object, std::string_view what);

  bool has(const char* key) const;

  /// A required string of at most `max_bytes` bytes.
  std::string text(const char* key, std::size_t max_bytes);
  /// A required integer in [low, high].
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high);
  /// A required finite number.
  double number(const char* key);
  /// A required truth value.
  bool flag(const char* key);
  /// A required list of strings.
  std::vector<std::string> texts(const char* key, std::size_t max_count, std::size_t max_bytes);
  /// A required list of integers in [low, high].
  std::vector<std::int64_t> integers(const char* key, std::size_t max_count, std::int64_t low,
                                     std::int64_t high);
  /// A required object or list, to be read further; null when absent.
  const nlohmann::json& child(const char* key);

  /// The same where the field may be absent or null.
  std::optional<std::string> maybe_text(const char* key, std::size_t max_bytes);
  std::optional<std::int64_t> maybe_integer(const char* key, std::int64_t low, std::int64_t high);

  /// What was wrong first, as a message; nothing when all was well.
  const std::optional<std::string>& error() const { return error_; }
  /// To report what only the caller can see.
  void complain(std::string message);

 private:
  const nlohmann::json* find(const char* key);
  void complain_about(const char* key, std::string_view wanted);

  const nlohmann::json& object_;
  std::string what_;
  std::optional<std::string> error_;
};

}  // namespace sweep
