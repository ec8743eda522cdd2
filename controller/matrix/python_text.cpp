#include "controller/matrix/python_text.hpp"

#include <algorithm>

#include "proto/base/text.hpp"

namespace sweep::matrix {

namespace {

std::string hex_escape(unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 0xf]};
}

// The length of the UTF-8 character at the head of `text`: 1 for a byte that begins none.
std::size_t character_length(std::string_view text) {
  for (std::size_t n = 1; n <= 4 && n <= text.size(); ++n) {
    const std::string_view candidate = text.substr(0, n);
    if (printable(candidate) == candidate) return n;
  }
  return 1;
}

}  // namespace

std::string python_repr(std::string_view text) {
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
    } else if (printable(character) == character) {
      out += character;
    } else {
      out += hex_escape(static_cast<unsigned char>(c));
    }
    text.remove_prefix(length);
  }
  return out + quote;
}

std::string python_list(std::span<const std::string> texts) {
  std::vector<std::string> spelled;
  for (const std::string& text : texts)
    spelled.push_back(python_repr(text));
  return "[" + join(spelled, ", ") + "]";
}

std::string python_set(std::vector<std::string> spelled) {
  std::sort(spelled.begin(), spelled.end());
  spelled.erase(std::unique(spelled.begin(), spelled.end()), spelled.end());
  return "{" + join(spelled, ", ") + "}";
}

}  // namespace sweep::matrix
