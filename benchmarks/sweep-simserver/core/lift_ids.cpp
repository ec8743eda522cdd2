// Counting a prompt of token ids without making values of them.
#include "benchmarks/sweep-simserver/core/request.hpp"

namespace sweep::sim_server {

namespace {

bool blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool digit(char c) {
  return c >= '0' && c <= '9';
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  // The place of the value of the outermost "prompt", npos where there is none.
  std::size_t find_prompt() {
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

  // Takes a list of whole numbers of at most 9 digits; how many, 0 where it is none.
  std::uint32_t take_ids() {
    std::uint32_t count = 0;
    if (!take('[')) return 0;
    while (true) {
      skip_blanks();
      const std::size_t begin = at_;
      while (at_ < text_.size() && digit(text_[at_]))
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
  bool take(char wanted) {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && blank(text_[at_]))
      ++at_;
  }
  // From a string's first quote to behind its last one.
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

std::optional<LiftedIds> lift_ids(std::string_view body) {
  Scanner scanner(body);
  const std::size_t begin = scanner.find_prompt();
  if (begin == std::string_view::npos) return std::nullopt;
  const std::uint32_t count = scanner.take_ids();
  if (count == 0) return std::nullopt;
  LiftedIds out;
  out.count = count;
  out.rest.reserve(body.size() - (scanner.at() - begin) + 4);
  out.rest.append(body.substr(0, begin)).append("null").append(body.substr(scanner.at()));
  return out;
}

}  // namespace sweep::sim_server
