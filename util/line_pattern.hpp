// A POSIX extended regular expression for one line of a program's output. (std::regex recurses, and a long
// line would end the process.)
#pragma once

#include <memory>
#include <string>

#include "util/error.hpp"

namespace sweep {

class LinePattern {
 public:
  /// Fails, in the words of the C library, on what is no expression.
  static Expected<LinePattern> compile(const std::string& text);

  /// Whether it matches somewhere in the line. What stands behind a NUL is not looked at.
  bool matches(const std::string& line) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace sweep
