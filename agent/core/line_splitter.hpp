// Splits output into lines. A line ends with \n or \r (progress bars redraw themselves after a \r). Only the
// beginning of a long line is kept, so that endless lines take no memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::agent {

class LineSplitter {
 public:
  static constexpr std::size_t kLongest = 4096;

  /// Returns the lines that end in these bytes, without their line ends. Empty lines are left out.
  std::vector<std::string> feed(std::string_view bytes);

 private:
  std::string line_;  // the beginning of the current line
};

}  // namespace sweep::agent
