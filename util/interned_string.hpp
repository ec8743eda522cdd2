// A text of which many are alike: each distinct one is in memory once.
//
// Rule: what was shared once stays for as long as the program runs, so this is for names, of which there are
// few, in things of which there are many. Pure; for one thread.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

class InternedString {
 public:
  InternedString();  // empty
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
