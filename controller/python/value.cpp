#include "controller/python/value.hpp"

#include <cmath>

#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::python {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::optional<double> float_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_string()) return parse_float(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::optional<std::int64_t> int_of(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!(std::abs(number) < 9e18)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_string()) return parse_int(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::string str_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_number_float()) return repr(value.get<double>());
  return json_text(value, -1);
}

bool truth_of(const Json& value) {
  if (value.is_null()) return false;
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_number()) return value.get<double>() != 0;
  if (value.is_string()) return !value.get_ref<const std::string&>().empty();
  return !value.empty();
}

const Json* member(const Json& dict, const std::string& key) {
  if (!dict.is_object()) return nullptr;
  const auto found = dict.find(key);
  return found == dict.end() ? nullptr : &*found;
}

std::optional<double> finite_member(const Json& dict, const std::string& key) {
  const Json* found = member(dict, key);
  if (found == nullptr || !found->is_number()) return std::nullopt;
  const double value = found->get<double>();
  return std::isfinite(value) ? std::optional(value) : std::nullopt;
}

std::string shown_value(const Json& value) {
  constexpr std::size_t kMaxBytes = 60;
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return printable(json_text(value, -1).substr(0, kMaxBytes));
}

}  // namespace sweep::python
