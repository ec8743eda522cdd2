// An interned string: equal strings share one copy in memory, and comparison compares pointers.
//
// Rule: a string that was interned once is never freed. So this is only for values with few distinct texts in
// many objects, such as names. Not thread-safe. Pure.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

class InternedString {
 public:
  InternedString();  // the empty string
  InternedString(std::string_view text);
  InternedString(const std::string& text) : InternedString(std::string_view(text)) {}
  InternedString(const char* text) : InternedString(std::string_view(text)) {}

  const std::string& str() const { return *text_; }
  bool empty() const { return text_->empty(); }
  friend bool operator==(InternedString a, InternedString b) { return a.text_ == b.text_; }

 private:
  const std::string* text_;
};

}  // namespace sweep
