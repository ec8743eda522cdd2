#include "controller/matrix/inferencex/glob.hpp"

#include <cstddef>

namespace sweep::matrix::inferencex {

namespace {

// Returns the length in bytes of the UTF-8 character at the start of `text`, which is not empty.
std::size_t character_bytes(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80)
    ++length;
  return length;
}

// Returns the index behind the set that begins with the [ at the start of `pattern`; 0 if it has no end.
std::size_t end_of_set(std::string_view pattern) {
  std::size_t at = 1;
  if (at < pattern.size() && pattern[at] == '!') ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;  // a ] in the first place is an element
  const std::size_t close = pattern.find(']', at);
  return close == std::string_view::npos ? 0 : close + 1;
}

// Returns true if the set, without its brackets, contains the character. UTF-8 sorts like code points.
bool set_contains(std::string_view set, std::string_view character) {
  const bool negated = set.starts_with('!');
  if (negated) set.remove_prefix(1);
  bool found = false;
  while (!set.empty()) {
    const std::string_view low = set.substr(0, character_bytes(set));
    set.remove_prefix(low.size());
    if (set.size() > 1 && set[0] == '-') {
      set.remove_prefix(1);
      const std::string_view high = set.substr(0, character_bytes(set));
      set.remove_prefix(high.size());
      found = found || (low <= character && character <= high);
    } else {
      found = found || low == character;
    }
  }
  return found != negated;
}

// Matches one character of the pattern that stands for itself; as match_one.
std::size_t match_same(std::string_view pattern, std::string_view character) {
  return pattern.starts_with(character) ? character.size() : 0;
}

// Matches one element of the pattern that is not *. Returns the bytes of the pattern that it has; 0 if the
// character does not match.
std::size_t match_one(std::string_view pattern, std::string_view character) {
  if (pattern.empty()) return 0;
  if (pattern[0] == '?') return 1;
  if (pattern[0] == '[') {
    if (const std::size_t end = end_of_set(pattern); end > 0)
      return set_contains(pattern.substr(1, end - 2), character) ? end : 0;
  }
  return match_same(pattern, character);
}

// Matches texts in which * is any text and `match` decides about everything else.
bool matches_with_stars(std::string_view pattern, std::string_view text,
                        std::size_t (*match)(std::string_view, std::string_view)) {
  std::string_view star_pattern, star_text;  // where to go on if the text after the last * does not match
  bool has_star = false;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, character_bytes(text));
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      has_star = true;
      star_pattern = pattern;
      star_text = text;
    } else if (const std::size_t matched = match(pattern, character); matched > 0) {
      pattern.remove_prefix(matched);
      text.remove_prefix(character.size());
    } else if (has_star) {
      star_text.remove_prefix(character_bytes(star_text));
      pattern = star_pattern;
      text = star_text;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*') == std::string_view::npos;
}

}  // namespace

bool glob_matches(std::string_view pattern, std::string_view text) {
  return matches_with_stars(pattern, text, match_one);
}

bool star_matches(std::string_view pattern, std::string_view text) {
  return matches_with_stars(pattern, text, match_same);
}

}  // namespace sweep::matrix::inferencex
