#include "controller/matrix/source_text.hpp"

#include <array>
#include <cstdio>

#include "proto/base/text.hpp"

namespace sweep::matrix {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string hex_byte(unsigned char byte) {
  std::array<char, 5> out{};
  std::snprintf(out.data(), out.size(), "0x%02x", static_cast<unsigned>(byte));
  return out.data();
}

// The name of the line end of Unicode's own at the head of `text`, null when there is none. Each ends a line
// for PyYAML and does not for yaml-cpp.
const char* line_end_at(std::string_view text) {
  if (text.starts_with("\xc2\x85")) return "U+0085 (next line)";
  if (text.starts_with("\xe2\x80\xa8")) return "U+2028 (line separator)";
  if (text.starts_with("\xe2\x80\xa9")) return "U+2029 (paragraph separator)";
  return nullptr;
}

// Length of the allowed character at the head of `text`, 0 when there is none. printable() judges UTF-8.
std::size_t allowed_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead == '\n' || lead == '\t' || (lead >= 0x20 && lead != 0x7f) ? 1 : 0;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() < length) return 0;
  const std::string_view character = text.substr(0, length);
  if (line_end_at(text) != nullptr) return 0;
  if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf") return 0;  // no characters
  return printable(character) == character ? length : 0;
}

}  // namespace

Expected<std::string> plain_source(std::string_view bytes) {
  if (bytes.starts_with(kByteOrderMark)) bytes.remove_prefix(kByteOrderMark.size());
  std::string out;
  out.reserve(bytes.size());
  std::size_t line = 1;
  std::size_t line_start = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    if (bytes[at] == '\r') {
      out += '\n';
      at += at + 1 < bytes.size() && bytes[at + 1] == '\n' ? 2 : 1;
    } else {
      const std::size_t length = allowed_length(bytes.substr(at));
      if (length == 0) {
        const std::string place =
            "line " + std::to_string(line) + ", column " + std::to_string(at - line_start + 1) + ": ";
        if (const char* ends = line_end_at(bytes.substr(at))) {
          return fail(place + ends + " ends a line for some readers of YAML and not for others: remove it");
        }
        return fail(place + "byte " + hex_byte(static_cast<unsigned char>(bytes[at])) +
                    " is not allowed in a YAML file: save the file as UTF-8 text");
      }
      out += bytes.substr(at, length);
      at += length;
    }
    if (out.back() == '\n') {
      ++line;
      line_start = at;
    }
  }
  return out;
}

}  // namespace sweep::matrix
