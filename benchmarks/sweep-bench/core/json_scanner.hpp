// Steps over the values of a JSON text without storing them. Pure; accepts untrusted bytes.
//
// NaN, Infinity and -Infinity are accepted as numbers, as Python does. Each function returns false on a
// grammar error, after which the scanner cannot be used any more. Bytes above 0x7f are not checked.
#pragma once

#include <string_view>

namespace sweep::client {

class JsonScanner {
 public:
  static constexpr int kMaxDepth = 64;

  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
      ++at_;
  }
  bool finished() const { return at_ == end_; }
  /// Returns the next byte, 0 at the end.
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char c);
  bool word(std::string_view word);
  /// Steps over a string. `inside` becomes the text between the quotes, still escaped.
  bool string(std::string_view& inside);
  bool number();
  /// Steps over any value that is `depth` containers deep.
  bool skip(int depth);
  /// Does the same and sets `spelled` to the value's JSON.
  bool value(std::string_view& spelled, int depth);

  /// Calls `value(key)` for each member; it must step over the value.
  template <class Value>
  bool object(Value&& value) {
    if (!take('{')) return false;
    skip_blanks();
    if (take('}')) return true;
    for (;;) {
      std::string_view key;
      skip_blanks();
      if (!string(key)) return false;
      skip_blanks();
      if (!take(':')) return false;
      skip_blanks();
      if (!value(key)) return false;
      skip_blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  /// Calls `value(i)` for each element; it must step over the element.
  template <class Value>
  bool array(Value&& value) {
    if (!take('[')) return false;
    skip_blanks();
    if (take(']')) return true;
    for (std::size_t i = 0;; ++i) {
      skip_blanks();
      if (!value(i)) return false;
      skip_blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

 private:
  bool digits();
  bool escape();  // starts at the backslash and stops at the last character of the escape

  const char* at_;
  const char* end_;
};

}  // namespace sweep::client
