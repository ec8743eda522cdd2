#include "controller/report/python_value.hpp"

#include <cmath>

#include "controller/report/json_text.hpp"
#include "controller/report/python_number.hpp"
#include "util/json.hpp"
#include "util/text.hpp"

namespace sweep::report {

namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::optional<double> python_float_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_string()) return python_float(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::optional<std::int64_t> python_int_of(const Json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (!(std::abs(number) < 9e18)) return std::nullopt;
    return static_cast<std::int64_t>(number);
  }
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return value.get<std::int64_t>();
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_string()) return python_int(value.get_ref<const std::string&>());
  return std::nullopt;
}

std::string python_str_of(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_number_float()) return python_repr(value.get<double>());
  return python_json(value, -1);
}

bool python_truth_of(const Json& value) {
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

std::string shown_value(const Json& value) {
  constexpr std::size_t kMaxBytes = 60;
  if (value.is_array()) return "a list";
  if (value.is_object()) return "an object";
  return printable(python_json(value, -1).substr(0, kMaxBytes));
}

}  // namespace sweep::report
