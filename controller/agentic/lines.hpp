// Splits a file that is read in pieces into lines. Pure.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace sweep::agentic {

class Lines {
 public:
  /// Receives one line without its line feed, and its number from 1.
  using Take = std::function<void(std::string_view line, std::size_t number)>;

  explicit Lines(Take take) : take_(std::move(take)) {}

  void feed(std::string_view bytes) {
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
      if (begun_.empty()) {
        take_(bytes.substr(0, end), ++number_);
        continue;
      }
      begun_ += bytes.substr(0, end);
      take_(begun_, ++number_);
      begun_.clear();
    }
    begun_ += bytes;
  }
  /// Ends the last line, which need not have a line feed.
  void finish() {
    if (!begun_.empty()) take_(begun_, ++number_);
    begun_.clear();
  }

 private:
  Take take_;
  std::string begun_;
  std::size_t number_ = 0;
};

}  // namespace sweep::agentic
