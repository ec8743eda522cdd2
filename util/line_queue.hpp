// Texts that wait to be written to a terminal or pipe, bounded in size. Pure.
//
// If the reader does not keep up, the oldest texts are dropped, because the newest ones say how things stand;
// a line in their place says how many lines are missing.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace sweep {

class LineQueue {
 public:
  /// Keeps at most `most_bytes` bytes, and the newest text whatever its size.
  explicit LineQueue(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// Appends a text of any number of lines.
  void push(std::string text);
  /// Removes the oldest text and returns it, after a line about dropped lines if there are any; std::nullopt
  /// if the queue is empty.
  std::optional<std::string> pop();
  bool empty() const { return texts_.empty(); }
  std::size_t size() const { return texts_.size(); }  // in texts

 private:
  std::size_t most_bytes_, bytes_ = 0;
  std::size_t dropped_lines_ = 0;  // since the last pop()
  bool in_line_ = false;           // the last text that pop() returned does not end its line
  std::deque<std::string> texts_;
};

}  // namespace sweep
