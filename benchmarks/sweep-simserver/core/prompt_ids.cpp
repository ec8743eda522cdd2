#include "benchmarks/sweep-simserver/core/prompt_ids.hpp"

namespace sweep::sim_server {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // Returns the position of the value of the top-level "prompt", npos if there is none.
  std::size_t find_prompt_value() {
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        const std::size_t begin = at_ + 1;
        if (!skip_string()) return std::string_view::npos;
        if (depth != 1 || text_.substr(begin, at_ - 1 - begin) != "prompt") continue;
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != ':') continue;
        ++at_;
        skip_blanks();
        return at_;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    }
    return std::string_view::npos;
  }

  // Steps over a list of integers of at most 9 digits. Returns their number; 0 if it is not such a list.
  std::uint32_t skip_ids() {
    std::uint32_t count = 0;
    if (!take('[')) return 0;
    while (true) {
      skip_blanks();
      const std::size_t begin = at_;
      while (at_ < text_.size() && is_digit(text_[at_]))
        ++at_;
      const std::size_t length = at_ - begin;
      if (length == 0 || length > 9 || (length > 1 && text_[begin] == '0')) return 0;
      ++count;
      skip_blanks();
      if (take(']')) return count;
      if (!take(',')) return 0;
    }
  }

  std::size_t at() const { return at_; }

 private:
  bool take(char expected) {
    if (at_ >= text_.size() || text_[at_] != expected) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && is_blank(text_[at_]))
      ++at_;
  }
  // Steps over a string, from its opening quote to the byte after its closing quote.
  bool skip_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::optional<ExtractedPrompt> extract_prompt_ids(std::string_view body) {
  Scanner scanner(body);
  const std::size_t begin = scanner.find_prompt_value();
  if (begin == std::string_view::npos) return std::nullopt;
  const std::uint32_t count = scanner.skip_ids();
  if (count == 0) return std::nullopt;
  ExtractedPrompt out;
  out.tokens = count;
  out.rest.reserve(body.size() - (scanner.at() - begin) + 4);
  out.rest.append(body.substr(0, begin)).append("null").append(body.substr(scanner.at()));
  return out;
}

}  // namespace sweep::sim_server
