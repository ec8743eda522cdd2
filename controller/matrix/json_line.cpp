#include "controller/matrix/json_line.hpp"

#include <algorithm>
#include <cstdint>

#include "util/json.hpp"

namespace sweep::matrix {

namespace {

using Json = nlohmann::ordered_json;

bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void append_value(std::string& out, const Json& value) {
  if (value.is_string()) {
    append_json_text(out, value.get_ref<const std::string&>());
  } else if (value.is_boolean()) {
    out += value.get<bool>() ? "true" : "false";
  } else if (value.is_number_integer()) {
    out += value.is_number_unsigned() ? std::to_string(value.get<std::uint64_t>())
                                      : std::to_string(value.get<std::int64_t>());
  } else {
    out += value.dump();
  }
}

}  // namespace

void append_json_text(std::string& out, const std::string& text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {  // the usual case, much faster than a serializer
    out += '"';
    out += text;
    out += '"';
  } else {
    out += Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
}

std::string json_line(const std::vector<Json>& entries) {
  std::string out = "[";
  const char* between_entries = "";
  for (const Json& entry : entries) {
    out += between_entries;
    between_entries = ", ";
    const char* between_members = "{";
    for (const auto& [key, value] : entry.items()) {
      out += between_members;
      between_members = ", ";
      append_json_text(out, key);
      out += ": ";
      append_value(out, value);
    }
    out += "}";
  }
  out += "]";
  return out;
}

}  // namespace sweep::matrix
