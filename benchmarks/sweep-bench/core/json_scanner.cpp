#include "benchmarks/sweep-bench/core/json_scanner.hpp"

namespace sweep::client {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

bool JsonScanner::take(char c) {
  if (at_ == end_ || *at_ != c) return false;
  ++at_;
  return true;
}

bool JsonScanner::word(std::string_view word) {
  if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
  at_ += word.size();
  return true;
}

bool JsonScanner::string(std::string_view& inside) {
  if (!take('"')) return false;
  const char* begin = at_;
  for (; at_ != end_; ++at_) {
    const auto c = static_cast<unsigned char>(*at_);
    if (c == '"') {
      inside = {begin, static_cast<std::size_t>(at_ - begin)};
      ++at_;
      return true;
    }
    if (c < 0x20 || (c == '\\' && !escape())) return false;
  }
  return false;
}

bool JsonScanner::escape() {
  if (end_ - at_ < 2) return false;
  ++at_;
  if (*at_ != 'u') return std::string_view("\"\\/bfnrt").find(*at_) != std::string_view::npos;
  if (end_ - at_ < 5) return false;
  for (int i = 1; i <= 4; ++i) {
    if (!is_hex(at_[i])) return false;
  }
  at_ += 4;
  return true;
}

bool JsonScanner::digits() {
  if (!is_digit(peek())) return false;
  while (is_digit(peek()))
    ++at_;
  return true;
}

bool JsonScanner::number() {
  take('-');
  if (!take('0') && !digits()) return false;  // no digits may follow a leading zero
  if (take('.') && !digits()) return false;
  if (take('e') || take('E')) {
    if (!take('+')) take('-');
    if (!digits()) return false;
  }
  return true;
}

bool JsonScanner::skip(int depth) {
  if (depth > kMaxDepth) return false;
  std::string_view ignored;
  switch (peek()) {
    case '{':
      return object([&](std::string_view) { return skip(depth + 1); });
    case '[':
      return array([&](std::size_t) { return skip(depth + 1); });
    case '"':
      return string(ignored);
    case 't':
      return word("true");
    case 'f':
      return word("false");
    case 'n':
      return word("null");
    // Python's json module writes and reads these, and servers send them as log probabilities.
    case 'N':
      return word("NaN");
    case 'I':
      return word("Infinity");
    case '-':
      return word("-Infinity") || number();
    default:
      return number();
  }
}

bool JsonScanner::value(std::string_view& spelled, int depth) {
  const char* begin = at_;
  if (!skip(depth)) return false;
  spelled = {begin, static_cast<std::size_t>(at_ - begin)};
  return true;
}

}  // namespace sweep::client
