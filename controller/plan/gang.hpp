// Gangs: points that need several servers or nodes. How many nodes they take, and what they need as text. Pure.
#pragma once

#include <string>

#include "proto/base/point.hpp"

namespace sweep {

/// Returns true if a point needs several servers, or one over several nodes: its entry has worker groups.
bool is_gang(const Point& point);

/// Returns how many nodes a point takes. The servers of one role share nodes as far as their GPUs fit; the roles share
/// a node only if all servers fit on it. A node has 4 GPUs if its hardware is GB200 or GB300, otherwise 8.
int nodes_needed(const Point& point);

/// Returns what a gang needs: "24 GPUs on 3 nodes for 3 servers"; "" if the point is not a gang.
std::string gang_text(const Point& point);

}  // namespace sweep
