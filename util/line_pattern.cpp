#include "util/line_pattern.hpp"

#include <regex.h>

#include <array>

namespace sweep {

struct LinePattern::Compiled {
  regex_t expression{};
  bool good = false;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (good) ::regfree(&expression);
  }
};

Expected<LinePattern> LinePattern::compile(const std::string& text) {
  const auto compiled = std::make_shared<Compiled>();
  const int code = ::regcomp(&compiled->expression, text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (code != 0) {
    std::array<char, 256> words{};
    ::regerror(code, &compiled->expression, words.data(), words.size());
    return fail(words.data());
  }
  compiled->good = true;
  LinePattern out;
  out.compiled_ = compiled;
  return out;
}

bool LinePattern::matches(const std::string& line) const {
  return compiled_ != nullptr && ::regexec(&compiled_->expression, line.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace sweep
