#include "agent/core/line_splitter.hpp"

#include <utility>

namespace sweep::agent {

std::vector<std::string> LineSplitter::feed(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const std::size_t end = bytes.find_first_of("\r\n");
    line_.append(bytes.substr(0, end).substr(0, kLongest - line_.size()));
    if (end == std::string_view::npos) break;
    if (!line_.empty()) lines.push_back(std::exchange(line_, {}));
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace sweep::agent
