#include "controller/python/json_error.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "controller/python/json_read.hpp"
#include "util/text.hpp"

namespace sweep::python {

namespace {

bool is_decimal(char c) {
  return c >= '0' && c <= '9';
}

bool is_hexadecimal(char c) {
  return is_decimal(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Follows the structure of the text without building a value. Stops at the first fault.
class FaultFinder {
 public:
  explicit FaultFinder(std::string_view text) : text_(text) {}

  std::optional<std::string> find() {
    skip_blanks();
    if (!value()) return fault_;
    while (!open_.empty()) {
      if (!(open_.back() == '{' ? member() : element())) return fault_;
    }
    skip_blanks();
    if (at_ != text_.size()) found("Extra data", at_);
    return fault_;
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // Stores the message. Returns false, as all functions do after a fault.
  bool found(const char* message, std::size_t at) {
    const std::string_view before = text_.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const std::size_t line_begin = before.rfind('\n') + 1;  // 0 if there is no line feed
    fault_ = std::string(message) + ": line " + std::to_string(line) + " column " +
             std::to_string(characters(before.substr(line_begin)) + 1) + " (char " +
             std::to_string(characters(before)) + ")";
    return false;
  }

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }

  // Reads a value; of a list or object only its beginning.
  bool value() {
    const char c = peek();
    if (c == '"') return text();
    if (c == '{' || c == '[') {
      if (open_.size() >= kMaxJsonDepth) return found("Nested too deeply", at_);
      open_ += c;
      empty_ = true;
      ++at_;
      return true;
    }
    for (const std::string_view word : {"null", "true", "false", "NaN", "Infinity", "-Infinity"}) {
      if (!text_.substr(at_).starts_with(word)) continue;
      at_ += word.size();
      return true;
    }
    return number() || found("Expecting value", at_);
  }

  std::size_t digits_end(std::size_t from) const {
    while (from < text_.size() && is_decimal(text_[from]))
      ++from;
    return from;
  }

  // Reads as much as is a number. Returns false if nothing is.
  bool number() {
    std::size_t end = at_ + (peek() == '-' ? 1 : 0);
    if (end >= text_.size() || !is_decimal(text_[end])) return false;
    end = text_[end] == '0' ? end + 1 : digits_end(end);
    if (end < text_.size() && text_[end] == '.' && digits_end(end + 1) > end + 1) end = digits_end(end + 1);
    if (end < text_.size() && (text_[end] == 'e' || text_[end] == 'E')) {
      const std::size_t sign =
          end + 1 < text_.size() && (text_[end + 1] == '+' || text_[end + 1] == '-') ? 1 : 0;
      if (digits_end(end + 1 + sign) > end + 1 + sign) end = digits_end(end + 1 + sign);
    }
    at_ = end;
    return true;
  }

  bool text() {
    const std::size_t begin = at_++;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return found("Invalid control character at", at_);
      if (c == '\\' && !escape(begin)) return false;
    }
    return found("Unterminated string starting at", begin);
  }

  // Reads an escape up to its last character.
  bool escape(std::size_t begin) {
    const std::size_t backslash = at_++;
    if (at_ >= text_.size()) return found("Unterminated string starting at", begin);
    if (text_[at_] != 'u')
      return std::string_view("\"\\/bfnrt").find(text_[at_]) != std::string_view::npos ||
             found("Invalid \\escape", backslash);
    for (std::size_t i = 1; i <= 4; ++i) {
      if (at_ + 5 > text_.size() - 1 || !is_hexadecimal(text_[at_ + i]))
        return found("Invalid \\uXXXX escape", at_);
    }
    at_ += 4;
    return true;
  }

  bool close() {
    open_.pop_back();
    empty_ = false;
    ++at_;
    return true;
  }

  // Reads what stands before the next value of the innermost list or object. Sets `closed` if it ends there.
  bool separator(char closing, const char* trailing_comma, bool& closed) {
    skip_blanks();
    closed = peek() == closing && at_ < text_.size();
    if (closed) return close();
    if (empty_) return true;
    if (peek() != ',') return found("Expecting ',' delimiter", at_);
    const std::size_t comma = at_++;
    skip_blanks();
    return peek() != closing || found(trailing_comma, comma);
  }

  bool element() {
    bool closed = false;
    if (!separator(']', "Illegal trailing comma before end of array", closed)) return false;
    if (closed) return true;
    empty_ = false;
    return value();
  }

  bool member() {
    bool closed = false;
    if (!separator('}', "Illegal trailing comma before end of object", closed)) return false;
    if (closed) return true;
    empty_ = false;
    if (peek() != '"') return found("Expecting property name enclosed in double quotes", at_);
    if (!text()) return false;
    skip_blanks();
    if (peek() != ':') return found("Expecting ':' delimiter", at_);
    ++at_;
    skip_blanks();
    return value();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string open_;    // the open lists and objects, as their brackets
  bool empty_ = false;  // the innermost one has no value yet
  std::optional<std::string> fault_;
};

}  // namespace

std::optional<std::string> json_error(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf"))
    return "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)";
  return FaultFinder(text).find();
}

}  // namespace sweep::python
