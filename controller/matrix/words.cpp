#include "controller/matrix/words.hpp"

#include <optional>

namespace sweep::matrix {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// Returns true if a backslash in double quotes escapes `c`. Before any other character the backslash is
// literal.
bool is_escapable(char c) {
  return c == '"' || c == '\\' || c == '$' || c == '`';
}

}  // namespace

Expected<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> out;
  std::optional<std::string> word;  // has a value inside a word; '' is an empty word
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\0' && is_blank(c)) {
      if (word) out.push_back(std::move(*word));
      word.reset();
      continue;
    }
    if (!word) word.emplace();
    if (quote != '\0' && c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == text.size())
        return fail("'" + std::string(text) + "' ends with a backslash: write \\\\ for a literal backslash");
      if (quote == '"' && !is_escapable(text[i + 1])) *word += c;
      *word += text[++i];
    } else {
      *word += c;
    }
  }
  if (quote != '\0') {
    return fail("Unclosed quote " + std::string(1, quote) + " in '" + std::string(text) + "'");
  }
  if (word) out.push_back(std::move(*word));
  return out;
}

}  // namespace sweep::matrix
