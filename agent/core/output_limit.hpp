// Bounds how much of an attempt's output is sent: the beginning as it comes, and at the attempt's end the end
// of each stream, with a line between them that says how much was left out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/output_piece.hpp"

namespace sweep::agent {

class OutputLimit {
 public:
  /// `limit`: the most bytes of standard output and standard error together that are sent. Ends of 1/16 of
  /// it, at most 1 MiB, are kept in memory.
  explicit OutputLimit(std::int64_t limit);

  /// Returns how many bytes from the beginning of `bytes` are to be sent now; the rest is kept or left out.
  std::size_t take(bool is_stderr, std::string_view bytes);

  /// Returns what is still to be sent at the attempt's end, in pieces of at most `longest` bytes. Output
  /// after that is left out.
  std::vector<OutputPiece> finish(std::size_t longest);

 private:
  struct Stream {
    std::string end;
    std::uint64_t left_out = 0;  // bytes
  };
  void trim(Stream& stream) const;

  std::int64_t limit_;
  std::size_t end_bytes_, beginning_left_;
  std::array<Stream, 2> streams_;
};

}  // namespace sweep::agent
