#include "controller/python/json_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "controller/python/number.hpp"
#include "util/json.hpp"

namespace sweep::python {

namespace {

using Json = nlohmann::ordered_json;

void append_escape(std::string& out, std::uint32_t unit) {
  char buffer[12];
  std::snprintf(buffer, sizeof buffer, "\\u%04x", unit);
  out += buffer;
}

struct CodePoint {
  std::uint32_t value;
  std::size_t bytes;
};

// Returns the first code point of `text`, which must not be empty; U+FFFD for an invalid byte.
CodePoint first_code_point(std::string_view text) {
  constexpr CodePoint kBroken{0xfffd, 1};
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return kBroken;
  std::uint32_t value = lead & (0x7fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return kBroken;
    value = (value << 6) | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) return kBroken;
  return {value, length};
}

// Returns true if json.dumps writes `c` unchanged, as it does for nearly all characters.
bool is_plain(char c) {
  return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void append_string(std::string& out, std::string_view text) {
  static constexpr std::string_view kSpecial = "\"\\\n\r\t\f\b", kLetters = "\"\\nrtfb";
  out += '"';
  for (;;) {
    const auto plain =
        static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_plain) - text.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const CodePoint point = first_code_point(text);
    const std::size_t special = point.bytes == 1 ? kSpecial.find(text[0]) : std::string_view::npos;
    if (special != std::string_view::npos) {
      out += '\\';
      out += kLetters[special];
    } else if (point.value < 0x10000) {
      append_escape(out, point.value);
    } else {
      append_escape(out, 0xd800 + ((point.value - 0x10000) >> 10));
      append_escape(out, 0xdc00 + ((point.value - 0x10000) & 0x3ff));
    }
    text.remove_prefix(point.bytes);
  }
  out += '"';
}

void append_float(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "Infinity" : "-Infinity";
  } else {
    out += repr(value);
  }
}

void append_separator(std::string& out, bool first, int indent, int level) {
  if (!first) out += indent < 0 ? ", " : ",";
  if (indent >= 0)
    out.append("\n").append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(level), ' ');
}

void append_container(std::string& out, const Json& value, int indent, int level) {
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (auto item = value.begin(); item != value.end(); ++item) {
    append_separator(out, std::exchange(first, false), indent, level + 1);
    if (object) {
      append_string(out, item.key());
      out += ": ";
    }
    append_json_text(out, *item, indent, level + 1);
  }
  if (!first && indent >= 0) append_separator(out, true, indent, level);
  out += object ? '}' : ']';
}

}  // namespace

void append_json_text(std::string& out, const Json& value, int indent, int level) {
  switch (value.type()) {
    case Json::value_t::object:
    case Json::value_t::array:
      return append_container(out, value, indent, level);
    case Json::value_t::string:
      return append_string(out, value.get_ref<const std::string&>());
    case Json::value_t::number_float:
      return append_float(out, value.get<double>());
    case Json::value_t::boolean:
      out += value.get<bool>() ? "true" : "false";
      return;
    case Json::value_t::number_integer:
      out += std::to_string(value.get<std::int64_t>());
      return;
    case Json::value_t::number_unsigned:
      out += std::to_string(value.get<std::uint64_t>());
      return;
    default:
      out += "null";
  }
}

std::string json_text(const Json& value, int indent) {
  std::string out;
  append_json_text(out, value, indent, 0);
  return out;
}

}  // namespace sweep::python
