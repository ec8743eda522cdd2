// Master configurations of a given number of points, which bench_matrix measures.
#pragma once

#include <cstdint>
#include <string>

#include "util/error.hpp"

namespace sweep::bench {

/// What the entries of a file look like.
struct MatrixShape {
  const char* name;
  bool inferencex;  // true: entries with `scenarios`; false: with `seq-len-configs`
  bool
      four_kinds;  // InferenceX: one node and many nodes, fixed and agentic, in turn; false: only one node, fixed
  int lengths;        // pairs of input and output lengths per entry
  int elements;       // elements in the search space of each pair
  int points;         // points in the range of each element
  std::int64_t last;  // last concurrency of a range that starts at 1
};

struct MatrixFileSize {
  std::size_t bytes = 0, rows = 0;  // a row of many nodes has several points
};

/// Writes a file of `points` points.
Expected<MatrixFileSize> write_master_file(const std::string& path, const MatrixShape& shape,
                                           std::size_t points);

/// Writes the runner file for such files of InferenceX.
Expected<void> write_labels_file(const std::string& path);

}  // namespace sweep::bench
