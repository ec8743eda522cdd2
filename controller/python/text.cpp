#include "controller/python/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "util/text.hpp"

namespace sweep::python {

namespace {

std::string hex_escape(std::uint32_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool one_byte = value < 0x100, two_bytes = value < 0x10000;
  std::string out = one_byte ? "\\x" : two_bytes ? "\\u" : "\\U";
  for (int bits = (one_byte ? 8 : two_bytes ? 16 : 32) - 4; bits >= 0; bits -= 4)
    out += kDigits[value >> bits & 0xf];
  return out;
}

// Returns the code point of one complete UTF-8 character.
std::uint32_t code_point(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  std::uint32_t value = byte(0) & (0x7fu >> character.size());
  for (std::size_t i = 1; i < character.size(); ++i)
    value = value << 6 | (byte(i) & 0x3fu);
  return value;
}

// Returns true for characters of Unicode's categories Zs, Zl, Zp, Cf and Co (spaces except U+0020, format
// characters, private use) and the C1 control characters. Python's repr() escapes them.
bool is_invisible(std::uint32_t value) {
  constexpr std::array<std::pair<std::uint32_t, std::uint32_t>, 26> kRanges = {
      {{0x80, 0xa0},        {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},     {0x6dd, 0x6dd},
       {0x70f, 0x70f},      {0x890, 0x891},     {0x8e2, 0x8e2},     {0x1680, 0x1680},   {0x180e, 0x180e},
       {0x2000, 0x200f},    {0x2028, 0x202f},   {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},
       {0xfeff, 0xfeff},    {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd}, {0x13430, 0x13438},
       {0x1bca0, 0x1bca3},  {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}, {0xf0000, 0xffffd},
       {0x100000, 0x10fffd}}};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [&](const auto& range) { return value >= range.first && value <= range.second; });
}

// Returns the length in bytes of the UTF-8 character at the start of `text`; 1 for an invalid byte.
std::size_t character_length(std::string_view text) {
  // U+0080 to U+009F are control characters, which printable() replaces.
  if (text.size() >= 2 && text[0] == '\xc2' && (text[1] & 0xe0) == 0x80) return 2;
  for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    const std::string_view candidate = text.substr(0, n);
    if (printable(candidate) == candidate) return n;
  }
  return 1;
}

}  // namespace

std::string repr(std::string_view text) {
  const bool double_quotes =
      text.find('\'') != std::string_view::npos && text.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  std::string out(1, quote);
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, length);
    const char c = character[0];
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\\' || c == quote) {
      out += {'\\', c};
    } else if (printable(character) != character && character.size() == 1) {
      out += hex_escape(static_cast<unsigned char>(c));
    } else if (const std::uint32_t value = code_point(character); is_invisible(value)) {
      out += hex_escape(value);
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  return out + quote;
}

std::string list(std::span<const std::string> texts) {
  std::vector<std::string> elements;
  for (const std::string& text : texts)
    elements.push_back(repr(text));
  return "[" + join(elements, ", ") + "]";
}

std::string set(std::vector<std::string> elements) {
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  return "{" + join(elements, ", ") + "}";
}

}  // namespace sweep::python
