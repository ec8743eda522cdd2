// Keeps a benchmark's output while the controller does not answer.
//
// Rules: bounded; the newest output is kept. If output was dropped, a line at its place reports that, in each
// of the two streams that lost some.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/output_piece.hpp"

namespace sweep::agent {

class Backlog {
 public:
  explicit Backlog(std::size_t limit) : limit_(limit) {}

  void add(bool is_stderr, std::string_view bytes);
  /// Returns everything in order, in pieces of at most `longest` bytes, and forgets it.
  std::vector<OutputPiece> take(std::size_t longest);

 private:
  void make_room();

  std::size_t limit_;
  std::size_t size_ = 0;  // of the pieces, their bookkeeping included
  std::deque<OutputPiece> pieces_;
  std::array<std::size_t, 2> dropped_{};  // bytes of stdout, bytes of stderr
};

}  // namespace sweep::agent
