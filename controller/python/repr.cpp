#include "controller/python/repr.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "controller/python/json_text.hpp"
#include "controller/python/number.hpp"
#include "controller/python/text.hpp"
#include "util/json.hpp"

namespace sweep::python {

namespace {

using Json = nlohmann::ordered_json;

bool is_numeric(const Json& value) {
  return value.is_number() || value.is_boolean();
}

double number_of(const Json& value) {
  return value.is_boolean() ? (value.get<bool>() ? 1 : 0) : value.get<double>();
}

bool equal_objects(const Json& a, const Json& b) {
  if (a.size() != b.size()) return false;
  for (auto item = a.begin(); item != a.end(); ++item) {
    const auto other = b.find(item.key());
    if (other == b.end() || !equal(*item, *other)) return false;
  }
  return true;
}

// Returns the value with the keys of all objects sorted.
Json sorted_keys(const Json& value) {
  if (!value.is_structured()) return value;
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value)
      out.push_back(sorted_keys(element));
    return out;
  }
  std::vector<std::string> keys;
  for (auto item = value.begin(); item != value.end(); ++item)
    keys.push_back(item.key());
  std::sort(keys.begin(), keys.end());
  Json::object_t out;
  for (const std::string& key : keys)
    out.emplace_back(key, sorted_keys(value.at(key)));
  return out;
}

}  // namespace

std::string repr_of(const Json& value) {
  if (value.is_string()) return repr(value.get_ref<const std::string&>());
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  if (value.is_number_float()) return repr(value.get<double>());
  if (!value.is_structured()) return json_text(value, -1);
  std::string out(1, value.is_array() ? '[' : '{');
  bool first = true;
  for (auto item = value.begin(); item != value.end(); ++item) {
    if (!first) out += ", ";
    first = false;
    if (value.is_object()) out += repr(item.key()) + ": ";
    out += repr_of(*item);
  }
  return out + (value.is_array() ? ']' : '}');
}

const char* type_name_of(const Json& value) {
  if (value.is_string()) return "str";
  if (value.is_boolean()) return "bool";
  if (value.is_number_float()) return "float";
  if (value.is_number()) return "int";
  if (value.is_array()) return "list";
  return value.is_object() ? "dict" : "NoneType";
}

bool equal(const Json& a, const Json& b) {
  if (a.is_number_integer() && b.is_number_integer()) return a == b;
  if (is_numeric(a) && is_numeric(b)) return number_of(a) == number_of(b);
  if (a.is_object() && b.is_object()) return equal_objects(a, b);
  if (a.is_array() && b.is_array()) return std::equal(a.begin(), a.end(), b.begin(), b.end(), equal);
  return a.type() == b.type() && a == b;
}

std::string canonical_json(const Json& value) {
  return json_text(sorted_keys(value), -1);
}

}  // namespace sweep::python
