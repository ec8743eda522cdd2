// Moves over the values of a JSON text without keeping any of it. Pure; takes bytes from anybody.
//
// Rule: each function is false, for good, where the grammar is broken. Bytes above 0x7f are not checked.
#pragma once

#include <string_view>

namespace sweep::client {

class JsonScanner {
 public:
  static constexpr int kMaxDepth = 64;

  explicit JsonScanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  void blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
      ++at_;
  }
  bool finished() const { return at_ == end_; }
  /// The next byte, 0 at the end.
  char peek() const { return at_ == end_ ? '\0' : *at_; }
  bool take(char c);
  bool word(std::string_view word);
  /// `inside`: what stands between the quotes.
  bool string(std::string_view& inside);
  bool number();
  /// Moves over any value that lies `depth` containers deep.
  bool skip(int depth);
  /// The same; `spelled`: its JSON.
  bool value(std::string_view& spelled, int depth);

  /// `value(key)` has to move over the value of `key`.
  template <class Value>
  bool object(Value&& value) {
    if (!take('{')) return false;
    blanks();
    if (take('}')) return true;
    for (;;) {
      std::string_view key;
      blanks();
      if (!string(key)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!value(key)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  /// `value(i)` has to move over element i.
  template <class Value>
  bool array(Value&& value) {
    if (!take('[')) return false;
    blanks();
    if (take(']')) return true;
    for (std::size_t i = 0;; ++i) {
      blanks();
      if (!value(i)) return false;
      blanks();
      if (take(']')) return true;
      if (!take(',')) return false;
    }
  }

 private:
  bool digits();
  bool escape();  // at the backslash; ends at the last character of the escape

  const char* at_;
  const char* end_;
};

}  // namespace sweep::client
