#include "util/fields.hpp"

#include <cmath>

#include "util/json.hpp"

namespace sweep {

using nlohmann::json;

Fields::Fields(const json& object, std::string_view what) : object_(object), what_(what) {
  if (!object_.is_object()) complain(what_ + " must be an object");
}

bool Fields::has(const char* key) const {
  return object_.is_object() && object_.contains(key) && !object_.at(key).is_null();
}

void Fields::complain(std::string message) {
  if (!error_) error_ = std::move(message);
}

void Fields::complain_about(const char* key, std::string_view wanted) {
  complain(what_ + ": '" + key + "' must be " + std::string(wanted));
}

const json* Fields::find(const char* key) {
  if (error_) return nullptr;
  const auto found = object_.find(key);
  if (found == object_.end()) {
    complain(what_ + ": '" + key + "' is missing");
    return nullptr;
  }
  return &*found;
}

std::string Fields::text(const char* key, std::size_t max_bytes) {
  const json* value = find(key);
  if (value == nullptr) return {};
  if (!value->is_string() || value->get_ref<const std::string&>().size() > max_bytes) {
    complain_about(key, "a string of at most " + std::to_string(max_bytes) + " bytes");
    return {};
  }
  return value->get<std::string>();
}

namespace {

std::optional<std::int64_t> integer_within(const json& value, std::int64_t low, std::int64_t high) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (high < 0 || number > static_cast<std::uint64_t>(high)) return std::nullopt;
    return static_cast<std::int64_t>(number) < low ? std::nullopt
                                                   : std::optional(static_cast<std::int64_t>(number));
  }
  if (!value.is_number_integer()) return std::nullopt;
  const auto number = value.get<std::int64_t>();
  return number < low || number > high ? std::nullopt : std::optional(number);
}

std::string range(std::int64_t low, std::int64_t high) {
  return "an integer from " + std::to_string(low) + " to " + std::to_string(high);
}

}  // namespace

std::int64_t Fields::integer(const char* key, std::int64_t low, std::int64_t high) {
  const json* value = find(key);
  if (value == nullptr) return 0;
  const auto number = integer_within(*value, low, high);
  if (!number) complain_about(key, range(low, high));
  return number.value_or(0);
}

double Fields::number(const char* key) {
  const json* value = find(key);
  if (value == nullptr) return 0;
  if (!value->is_number() || !std::isfinite(value->get<double>())) {
    complain_about(key, "a finite number");
    return 0;
  }
  return value->get<double>();
}

bool Fields::flag(const char* key) {
  const json* value = find(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    complain_about(key, "true or false");
    return false;
  }
  return value->get<bool>();
}

std::vector<std::string> Fields::texts(const char* key, std::size_t max_count, std::size_t max_bytes) {
  const json* value = find(key);
  if (value == nullptr) return {};
  std::vector<std::string> out;
  bool good = value->is_array() && value->size() <= max_count;
  for (auto item = value->begin(); good && item != value->end(); ++item) {
    good = item->is_string() && item->get_ref<const std::string&>().size() <= max_bytes;
    if (good) out.push_back(item->get<std::string>());
  }
  if (!good) complain_about(key, "a list of at most " + std::to_string(max_count) + " short strings");
  return good ? out : std::vector<std::string>{};
}

std::vector<std::int64_t> Fields::integers(const char* key, std::size_t max_count, std::int64_t low,
                                           std::int64_t high) {
  const json* value = find(key);
  if (value == nullptr) return {};
  std::vector<std::int64_t> out;
  bool good = value->is_array() && value->size() <= max_count;
  for (auto item = value->begin(); good && item != value->end(); ++item) {
    const auto number = integer_within(*item, low, high);
    good = number.has_value();
    if (good) out.push_back(*number);
  }
  if (!good) complain_about(key, "a list of integers");
  return good ? out : std::vector<std::int64_t>{};
}

const json& Fields::child(const char* key) {
  static const json nothing;
  const json* value = find(key);
  return value == nullptr ? nothing : *value;
}

std::optional<std::string> Fields::maybe_text(const char* key, std::size_t max_bytes) {
  if (error_ || !has(key)) return std::nullopt;
  return text(key, max_bytes);
}

std::optional<std::int64_t> Fields::maybe_integer(const char* key, std::int64_t low, std::int64_t high) {
  if (error_ || !has(key)) return std::nullopt;
  return integer(key, low, high);
}

}  // namespace sweep
