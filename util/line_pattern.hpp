// A POSIX extended regular expression for one line of a program's output. std::regex is not used because it
// recurses: a long line would overflow the stack.
#pragma once

#include <memory>
#include <string>

#include "util/error.hpp"

namespace sweep {

class LinePattern {
 public:
  /// Compiles an expression. Returns the C library's error message if it is not valid.
  static Expected<LinePattern> compile(const std::string& text);

  /// Returns true if the expression matches anywhere in the line. Text after a NUL byte is ignored.
  bool matches(const std::string& line) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sweep
