// The difference between the matrix in a sweep's journal and the matrix that a resume asks for. Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "proto/base/point.hpp"

namespace sweep {

struct MatrixChange {
  std::vector<std::string> lines;    // for people: one for each point that was added, removed or changed
  std::set<std::string> withdrawn;   // ids of the journal's points that are not in the matrix
  std::vector<std::string> entries;  // the entries of the matrix, followed by those of the withdrawn points
  bool any() const { return !lines.empty(); }
};

/// Returns how `new_points` differ from the journal's `old_points`. A point in `withdrawn_before` was
/// withdrawn by an earlier resume: if it is still missing that is not a change, if it is back it counts as
/// added.
MatrixChange compare_matrix(const std::vector<Point>& old_points,
                            const std::set<std::string>& withdrawn_before,
                            const std::vector<Point>& new_points);

}  // namespace sweep
