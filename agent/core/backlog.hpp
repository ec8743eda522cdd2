// A benchmark's output from a time in which no controller answers, until one does.
//
// Rules: bounded; the newest is kept. What was dropped is said in one line of its own at its place, in each
// of the two streams that lost something.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace sweep::agent {

class Backlog {
 public:
  struct Piece {
    bool is_stderr = false;
    std::string bytes;
  };

  explicit Backlog(std::size_t limit) : limit_(limit) {}

  void add(bool is_stderr, std::string_view bytes);
  /// All of it, in its order, in pieces of at most `longest` bytes, and forgotten.
  std::vector<Piece> take(std::size_t longest);

 private:
  void make_room();

  std::size_t limit_;
  std::size_t size_ = 0;  // of what is kept, bookkeeping included
  std::deque<Piece> pieces_;
  std::array<std::size_t, 2> dropped_{};  // bytes of stdout, of stderr
};

}  // namespace sweep::agent
