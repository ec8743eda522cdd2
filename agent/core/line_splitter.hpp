// Output in pieces to lines. A line ends with \n or \r (progress bars draw themselves again behind one); of a
// long one the beginning is kept, so that endless lines take no memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::agent {

class LineSplitter {
 public:
  static constexpr std::size_t kLongest = 4096;

  /// The lines that end in these bytes, without their ends; empty ones are left out.
  std::vector<std::string> feed(std::string_view bytes);

 private:
  std::string line_;  // the beginning of the current one
};

}  // namespace sweep::agent
