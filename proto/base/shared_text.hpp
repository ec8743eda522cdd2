// A text of which many are alike: each distinct one is in memory once.
//
// Rule: what was shared once stays for as long as the program runs, so this is for names, of which there are
// few, in things of which there are many. Pure; for one thread.
#pragma once

#include <string>
#include <string_view>

namespace sweep {

class SharedText {
 public:
  SharedText();  // empty
  SharedText(std::string_view text);
  SharedText(const std::string& text) : SharedText(std::string_view(text)) {}
  SharedText(const char* text) : SharedText(std::string_view(text)) {}

  const std::string& str() const { return *text_; }
  bool empty() const { return text_->empty(); }
  friend bool operator==(SharedText a, SharedText b) { return a.text_ == b.text_; }

 private:
  const std::string* text_;
};

}  // namespace sweep
