// A piece of the output of a benchmark or server, as one LogChunk carries it.
#pragma once

#include <cstddef>
#include <string>

namespace sweep::agent {

/// The most bytes in one LogChunk. Longer output is sent in several.
inline constexpr std::size_t kLongestOutputPiece = std::size_t{64} << 10;

struct OutputPiece {
  bool is_stderr = false;
  std::string bytes;
};

}  // namespace sweep::agent
