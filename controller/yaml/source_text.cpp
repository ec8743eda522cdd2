#include "controller/yaml/source_text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "util/text.hpp"

namespace sweep::yaml {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

std::string hex_byte(unsigned char byte) {
  std::array<char, 5> out{};
  std::snprintf(out.data(), out.size(), "0x%02x", static_cast<unsigned>(byte));
  return out.data();
}

bool is_plain(char c) {
  return (c >= 0x20 && c < 0x7f) || c == '\t';
}

// Returns the length in bytes of the character at the start of `text`, for which is_plain is false; 0 if it
// is not valid UTF-8 or not allowed in YAML. printable() replaces invalid UTF-8, so a valid character comes
// back unchanged.
std::size_t allowed_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return text[0] == '\n' ? 1 : 0;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (text.size() < length) return 0;
  const std::string_view character = text.substr(0, length);
  if (character == "\xc2\x85")
    return length;  // U+0085 (next line), the only C1 control character that YAML allows
  if (character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf")
    return 0;  // U+FFFE and U+FFFF are noncharacters
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
    const char* const plain_end = std::find_if_not(bytes.begin() + at, bytes.end(), is_plain);
    const std::size_t plain = static_cast<std::size_t>(plain_end - bytes.begin()) - at;
    out += bytes.substr(at, plain);
    at += plain;
    if (at == bytes.size()) break;
    if (bytes[at] == '\r') {
      out += '\n';
      at += at + 1 < bytes.size() && bytes[at + 1] == '\n' ? 2 : 1;
    } else {
      const std::size_t length = allowed_length(bytes.substr(at));
      if (length == 0) {
        return fail("line " + std::to_string(line) + ", column " + std::to_string(at - line_start + 1) +
                    ": byte " + hex_byte(static_cast<unsigned char>(bytes[at])) +
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

}  // namespace sweep::yaml
